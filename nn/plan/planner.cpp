// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <limits>

#include <lacuna/he/rlwe/security.h>
#include <lacuna/nn/model/expanded_model.h>
#include <lacuna/nn/packing/rules.h>
#include <lacuna/nn/plan/parameter_search.h>
#include <lacuna/nn/plan/plan.h>
#include <lacuna/nn/plan/plan_reasons.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/gmp_words.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

namespace {

/// A packing, and the kind of its plaintext moduli.
struct Way {
    Packing packing = Packing::slots;
    PlainKind kind = PlainKind::integers;

    /// Its rules, where k is not known yet.
    [[nodiscard]] PackingRules rules() const {
        const std::size_t any_power = packing == Packing::radix ? 1 : 2;
        return rules_of(packing, kind == PlainKind::binomial ? any_power : 0);
    }
    [[nodiscard]] bool hides_circuit() const {
        return std::visit([](const auto& packing_rules) { return packing_rules.hides_circuit; }, rules());
    }
};

/// In the order in which they are tried.
constexpr std::array all_ways = {
    Way{Packing::slots, PlainKind::integers}, Way{Packing::slots, PlainKind::binomial},
    Way{Packing::radix, PlainKind::binomial}, Way{Packing::radix, PlainKind::integers},
    Way{Packing::packed, PlainKind::binomial}};

/// What a request says of a way. The packed packing knows binomials alone. Slots that were asked for by name
/// and for no batch hold as many images as they can, which integers do.
bool allows(const PlanRequest& request, const Way& way) {
    const bool any_batch =
        request.packing == Packing::slots && request.batch == 1 && request.plain_kind == PlainKind::any;
    return (!request.packing || *request.packing == way.packing) &&
           (way.packing == Packing::packed || request.takes(way.kind)) &&
           !(any_batch && way.kind == PlainKind::binomial);
}

/// Throws Error where nothing could be planned for this request.
void check(const Model& model, const PlanRequest& request) {
    if (request.batch == 0) {
        throw Error("plan: expected a batch of at least 1 image, found 0");
    }
    if (max_log_qp(max_ntt_size, request.security) == 0) {
        throw Error("plan: expected 128, 192 or 256 bits of security, found " +
                    std::to_string(request.security));
    }
    if (request.plain_moduli > PlanLimits::plain_moduli) {
        throw Error("plan: expected at most " + std::to_string(PlanLimits::plain_moduli) +
                    " plaintext moduli, found " + std::to_string(request.plain_moduli));
    }
    if (request.privacy_bits < 0 || request.privacy_bits > PlanLimits::privacy_bits) {
        throw Error("plan: expected 0 ... " + std::to_string(PlanLimits::privacy_bits) +
                    " bits of circuit privacy, found " + std::to_string(request.privacy_bits));
    }
    if (std::none_of(model.layers.begin(), model.layers.end(), [](const Layer& layer) {
            return is_linear(layer) || std::holds_alternative<Activation>(layer.kind);
        })) {
        throw Error("plan: the model '" + model.name +
                    "' has no layer that computes anything; add a linear layer or an activation");
    }
    if (request.privacy_bits > 0 && std::none_of(all_ways.begin(), all_ways.end(), [&](const Way& way) {
            return allows(request, way) && way.hides_circuit();
        })) {
        throw Error("plan: circuit privacy is not offered for the " +
                    std::string(packing_name(*request.packing)) +
                    " packing modulo integers: the decrypted polynomial says more than its value at 2; leave "
                    "the plaintext moduli open, or ask for 0 bits of circuit privacy "
                    "(--no-circuit-privacy)");
    }
}

/// Why there is no candidate: which bound cannot be met.
std::string obstacle(const ExpandedModel& model, const PlanRequest& request, const Way& way,
                     const PackingBounds& bounds) {
    if (const auto own = std::visit(
            [&](const auto& rules) { return rules.obstacle(bounds, model.classes()); }, way.rules())) {
        return *own;
    }
    const std::size_t bits = mpz_sizeinbase(mpz_class(2 * bounds.range + 1).get_mpz_t(), 2);
    const std::size_t most = PlanLimits::plain_moduli * static_cast<std::size_t>(max_modulus_bits);
    if (bits > most && way.kind == PlainKind::integers) {
        return "values need " + std::to_string(bits) + " bits, more than the " + std::to_string(most) +
               " of " + std::to_string(PlanLimits::plain_moduli) + " plaintext moduli together";
    }
    return "values need " + std::to_string(bits) +
           " bits, and no ring up to n = " + std::to_string(max_ntt_size) + " with " +
           std::to_string(request.security) + " bits of security holds their noise" +
           (request.plain_moduli == 0 ? ""
                                      : " with " + std::to_string(request.plain_moduli) +
                                            " plaintext moduli; leave their number open");
}

/// Where the packing is open, larger batches are not tried image by image.
constexpr std::size_t most_packed_images = 256;

struct Choice {
    Candidate candidate;
    PackingBounds bounds;
};

/// What costs no less than this fraction of another way is no reason to leave the one that was tried first.
constexpr double same = 1.01;

/// The cheapest candidate over all packings that the request allows. Throws Error that says for each of them
/// why there is none.
Choice best_choice(const Model& model, std::optional<ExpandedModel>& expanded, const PlanRequest& request,
                   const std::stop_token& stop) {
    std::optional<Choice> best;
    std::string obstacles;
    for (const Way& way : all_ways) {
        const Packing packing = way.packing;
        if (!allows(request, way) || (request.privacy_bits > 0 && !way.hides_circuit()) ||
            (!request.packing && packing == Packing::packed && request.batch > most_packed_images)) {
            continue;
        }
        const bool binomial = way.kind == PlainKind::binomial && packing != Packing::packed;
        const std::string line =
            std::string("\n  - ") + packing_name(packing) + (binomial ? " modulo x^k - b: " : ": ");
        try {
            if (!expanded) {
                expanded.emplace(model, stop);
            }
            const PackingBounds bounds =
                std::visit([&](const auto& rules) { return rules.bounds(*expanded); }, way.rules());
            const double limit =
                best ? best->candidate.request_cost / same : std::numeric_limits<double>::infinity();
            std::optional<Candidate> candidate =
                binomial ? best_binomial(*expanded, request, packing, bounds)
                         : best_candidate(*expanded, request, packing, bounds, limit);
            if (!candidate && best) {
                continue;
            }
            if (!candidate) {
                obstacles += line + obstacle(*expanded, request, way, bounds);
            } else if (!best || candidate->request_cost * same < best->candidate.request_cost) {
                best = Choice{std::move(*candidate), bounds};
            }
        } catch (const Stopped&) {
            throw;
        } catch (const Error& error) {
            obstacles += line + error.what();
        }
    }
    if (!best) {
        throw Error("plan: the model '" + model.name + "' cannot be run under encryption:" + obstacles +
                    "\ntrain for a smaller range (fewer input levels, smaller weights) or fewer activations");
    }
    return std::move(*best);
}

const char* step_name(PlanStep::Kind kind) {
    switch (kind) {
        case PlanStep::Kind::linear:
            return "linear";
        case PlanStep::Kind::activation:
            return "activation";
        case PlanStep::Kind::relinearize:
            return "relinearise";
        case PlanStep::Kind::mod_switch:
            return "mod switch";
        case PlanStep::Kind::mask:
            return "mask";
        case PlanStep::Kind::flood:
            return "flood";
        case PlanStep::Kind::join:
            return "join";
    }
    return "";
}

/// What decrypted values are multiplied by to be logits, modulo p.
mpz_class reply_factor(const Candidate& candidate, const mpz_class& p) {
    mpz_class factor = value_factors(candidate.circuit.program, candidate.parameters.data_primes, p).back();
    mpz_invert(factor.get_mpz_t(), factor.get_mpz_t(), p.get_mpz_t());
    return factor;
}

/// All that a client needs; of the packed packing without its places and rotations where there is no network.
ClientPlan client_plan(const Model& model, const PlanRequest& request, const Choice& choice) {
    const Candidate& candidate = choice.candidate;
    ClientPlan client;
    client.model = model.name;
    client.parameters = candidate.parameters;
    client.packing = candidate.packing;
    client.input_shape = model.input_shape;
    client.thresholds = model.thresholds;
    client.features = model.features;
    client.classes = model.classes();
    client.output_scale = model.output_scale;
    std::visit(
        [&](const auto& rules) {
            client.batch = candidate.packing == Packing::packed ? packed_batch(request)
                                                                : rules.most_images(candidate.parameters.n);
            client.reply_coefficients = rules.has_digits ? choice.bounds.logit_degree + 1 : 0;
            if (rules.joins(client.classes) && candidate.circuit.reply_parts == 2) {
                client.reply_stride =
                    rules.has_digits ? client.reply_coefficients : BinomialPacking::stride(choice.bounds);
            }
        },
        rules_of(candidate.packing, plain_power(candidate.parameters)));
    if (candidate.network) {
        const PlainModulus& t = candidate.parameters.plain_polynomials.front();
        client.packed = packed_tensors(*candidate.network, t.power());
        client.galois_elements = rotation_elements(*candidate.network, candidate.parameters.n, t);
        client.galois_limbs = rotation_limbs(*candidate.network, candidate.parameters.n, t,
                                             linear_limbs(candidate.circuit.program));
    }
    client.relin_keys = candidate.circuit.relinearizes;
    client.public_key = request.privacy_bits > 0;
    client.privacy_bits = request.privacy_bits;
    client.public_encryption = request.public_encryption;
    client.reply_limbs = candidate.circuit.reply_limbs;
    client.reply_parts = candidate.circuit.reply_parts;
    client.reply_dropped_bits = candidate.droppable_bits();
    for (const std::uint64_t value : candidate.parameters.plain_moduli) {
        client.reply_factors.push_back(to_word(reply_factor(candidate, to_mpz(value))));
    }
    if (!candidate.parameters.plain_polynomials.empty()) {
        const PlainModulus& t = candidate.parameters.plain_polynomials.front();
        client.reply_slot_factor = reply_factor(candidate, slot_modulus(t, candidate.parameters.n));
    }
    return client;
}

/// The plan of a candidate, reasons left out.
Plan plan_of(const Model& model, const ExpandedModel& expanded, const Choice& choice, ClientPlan client) {
    const Circuit& circuit = choice.candidate.circuit;
    Plan plan;
    plan.client = std::move(client);
    plan.program = circuit.program;
    plan.steps = circuit.steps;
    for (PlanStep& step : plan.steps) {
        const bool of_layer = step.kind == PlanStep::Kind::linear || step.kind == PlanStep::Kind::activation;
        step.name = of_layer ? model.layers[step.layer].name : step_name(step.kind);
    }
    plan.model_digest = digest(model);
    plan.operations = count_operations(expanded);
    plan.range = choice.bounds.range;
    plan.degree = choice.bounds.degree;
    plan.output_budget_bits = circuit.output_budget_bits;
    plan.reply_budget_bits = choice.candidate.reply_budget_bits(plan.client.reply_dropped_bits);
    plan.recipe.stages = choice.candidate.stages;
    plan.recipe.choices = circuit.choices;
    plan.recipe.keyless = choice.candidate.keyless;
    return plan;
}

/// What a server of the packed packing prepares, and what each image then costs.
std::string reason_of_diagonals(const Plan& plan) {
    DiagonalAccount sum;
    sum.inputs = plan.client.packed.input.ciphertexts(plan.client.input_shape);
    std::size_t folds = 0;
    std::size_t words = 0;
    for (const Step& step : plan.program) {
        const auto* linear = step.get_if<LinearStep>();
        if (linear == nullptr) {
            continue;
        }
        const DiagonalAccount& account = *plan.recipe.stages[linear->stage].diagonals;
        sum.products += account.products;
        sum.babies += account.babies;
        sum.giants += account.giants;
        folds += account.rotations() - account.babies - account.giants;
        const std::size_t special = account.babies > 0 ? plan.client.parameters.special_primes.size() : 0;
        words += account.products * (step.limbs + special);
    }
    const std::size_t bytes = words * plan.client.parameters.n * sizeof(std::uint64_t);
    const std::size_t images = plan.client.packed.images;
    return "layout: " + (images == 1 ? "an image is " : std::to_string(images) + " images are ") +
           std::to_string(sum.inputs) + (sum.inputs == 1 ? " ciphertext; " : " ciphertexts; ") +
           std::to_string(sum.products) + " diagonals, prepared in " +
           std::to_string((bytes + 999'999) / 1'000'000) + " MB; " + std::to_string(sum.babies) +
           " rotations that share digits, " + std::to_string(sum.giants) + " of sums, " +
           std::to_string(folds) + " that add parts up";
}

}  // namespace

Plan make_plan(const Model& model, const PlanRequest& request, const std::stop_token& stop) {
    check(model, request);
    std::optional<ExpandedModel> expanded;
    const Choice choice = best_choice(model, expanded, request, stop);
    Plan plan = plan_of(model, *expanded, choice, client_plan(model, request, choice));
    plan.recipe.batch = request.batch;
    plan.reasons = explain(plan, request.batch);
    if (const auto& network = choice.candidate.network) {
        plan.recipe.ways = network->ways();
        plan.reasons.push_back(reason_of_diagonals(plan));
    }
    return plan;
}

Plan remake_plan(const Model& model, const ClientPlan& client, const PlanRecipe& recipe,
                 const std::stop_token& stop) {
    const PlanRequest request = request_of(client, recipe);
    check(model, request);
    const ExpandedModel expanded(model, stop);
    Choice choice;
    choice.bounds = std::visit([&](const auto& rules) { return rules.bounds(expanded); },
                               rules_of(client.packing, plain_power(client.parameters)));
    std::optional<Candidate> candidate = known_candidate(expanded, client, recipe, choice.bounds);
    if (!candidate) {
        throw Error("plan: the proof that '" + model.name +
                    "' decrypts does not hold with the parameters and levels of this plan; plan the model");
    }
    choice.candidate = std::move(*candidate);
    ClientPlan own = client_plan(model, request, choice);
    own.packed = client.packed;  // CompiledModel compares these with its layout
    own.galois_elements = client.galois_elements;
    own.galois_limbs = client.galois_limbs;
    for (std::size_t part = 0; part < own.reply_dropped_bits.size(); ++part) {  // fewer do no harm
        own.reply_dropped_bits[part] =
            std::min(own.reply_dropped_bits[part], client.reply_dropped_bits[part]);
    }
    if (own != client) {
        throw Error("plan: the client's half in this plan is not that of the model '" + model.name +
                    "' with these levels; plan the model");
    }
    Plan plan = plan_of(model, expanded, choice, std::move(own));
    plan.recipe.batch = recipe.batch;
    plan.recipe.ways = recipe.ways;
    plan.reasons = explain(plan, recipe.batch);
    if (client.packing == Packing::packed) {
        plan.reasons.push_back(reason_of_diagonals(plan));
    }
    return plan;
}

}  // namespace lacuna
