// SPDX-License-Identifier: Apache-2.0
#include "nn/plan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "he/advisor.h"
#include "he/ring.h"
#include "he/security.h"
#include "nn/circuit.h"
#include "nn/ranges.h"
#include "ntt/error.h"
#include "ntt/primes.h"
#include "rns/basis.h"

namespace lacuna {

namespace {

constexpr int chains_tried = 10;  // sizes of Q looked at, beyond the first that decrypts

std::size_t bit_length(const mpz_class& x) {
    return mpz_sizeinbase(x.get_mpz_t(), 2);
}

/// `count` distinct moduli, none larger than need be for their product to exceed `needed`: every bit of t is
/// paid for three times over in Q. Empty where they would not stay below 2^50. Slots need primes = 1 mod 2n;
/// digit polynomials take any modulus, so a single one is `needed` + 1.
std::vector<std::uint64_t> plain_moduli(std::size_t n, Packing packing, std::size_t count,
                                        const mpz_class& needed) {
    if (packing == Packing::radix && count == 1) {
        const mpz_class t = std::max(mpz_class(needed + 1), mpz_class(3));
        return bit_length(t) <= max_modulus_bits ? std::vector{to_word(t)} : std::vector<std::uint64_t>{};
    }
    mpz_class root;
    mpz_root(root.get_mpz_t(), needed.get_mpz_t(), count);
    if (bit_length(root) > max_modulus_bits) {
        return {};
    }
    // Neighbouring primes, the largest first: those up to the root, whose product is too small, then upwards.
    const std::uint64_t step = 2 * n;
    const std::uint64_t middle = to_word(root) / step * step + 1;
    std::vector<std::uint64_t> moduli;
    for (std::uint64_t t = middle; t > 1 && moduli.size() < count; t -= step) {
        if (is_prime(t)) {
            moduli.push_back(t);
        }
    }
    const auto suffice = [&] {
        mpz_class product = 1;
        for (const std::uint64_t t : moduli) {
            product *= to_mpz(t);
        }
        return moduli.size() == count && product > needed;
    };
    for (std::uint64_t t = middle + step; !suffice(); t += step) {
        if (t >> max_modulus_bits != 0) {
            return {};
        }
        if (is_prime(t)) {
            moduli.insert(moduli.begin(), t);
            moduli.resize(std::min(moduli.size(), count));
        }
    }
    return moduli;
}

struct Candidate {
    Parameters parameters;  // data and special primes by size, plain moduli by value
    Circuit circuit;
    Packing packing = Packing::slots;
    double request_cost = 0;  // of a whole batch
};

/// How many low bits of c_0 and c_1 a reply of one limb can leave out: together they may use up what the
/// proven noise leaves of Q / (2t). Leaving out d bits rounds to a multiple of 2^d, an error of at most
/// 2^(d-1) in c_0, and of deviation 2^d sqrt(n Var(s) / 12) after multiplication with s in c_1.
std::array<int, 2> droppable_bits(const Candidate& candidate, double log_t) {
    const double budget = candidate.circuit.reply_budget_bits;
    if (candidate.circuit.reply_limbs != 1 || budget < 0.5) {
        return {0, 0};
    }
    const double log_limit = std::log2(static_cast<double>(candidate.parameters.data_primes[0])) - 1 - log_t;
    const double log_slack = log_limit + std::log2(1.0 - std::exp2(-budget)) - 1.0;  // half for each part
    return {std::max(0, static_cast<int>(std::floor(log_slack))),
            std::max(0, static_cast<int>(std::floor(log_slack - candidate.circuit.log_rounding_bound)))};
}

/// Bits that a coefficient of both parts of the reply takes.
double reply_bits(const Candidate& candidate, double log_t) {
    const std::array<int, 2> dropped = droppable_bits(candidate, log_t);
    double bits = -dropped[0] - dropped[1];
    for (std::size_t i = 0; i < candidate.circuit.reply_limbs; ++i) {
        bits += 2.0 * std::bit_width(candidate.parameters.data_primes[i]);
    }
    return bits;
}

/// Sizes of `limbs` data primes of `total` bits: nearly equal ones; a first one as large as can be, on which
/// the reply may fit alone; a last one as small as the noise of the first product, which can drop it for
/// nothing.
std::vector<std::vector<int>> chains_of(int total, std::size_t limbs, int smallest_prime) {
    std::vector<std::vector<int>> chains = {even_chain(total)};
    if (limbs > 1 && total > max_modulus_bits) {
        std::vector<int> chain = even_chain(total - max_modulus_bits);
        chain.insert(chain.begin(), max_modulus_bits);
        chains.push_back(std::move(chain));
    }
    for (int last = smallest_prime; limbs > 1 && last < total / static_cast<int>(limbs); last += 4) {
        std::vector<int> chain = even_chain(total - last);
        chain.push_back(last);
        chains.push_back(std::move(chain));
    }
    std::erase_if(chains, [limbs](const std::vector<int>& chain) { return chain.size() != limbs; });
    return chains;
}

/// The circuit under these parameters, given by size, if it decrypts.
std::optional<Candidate> try_chain(const std::vector<Stage>& stages, CircuitSetting setting,
                                   const std::vector<std::uint64_t>& moduli) {
    if (!plan_circuit(stages, setting)) {
        return std::nullopt;
    }
    // Once more with the primes themselves, which fall a little short of their sizes. Not every size has
    // primes, and not every set of them makes a scheme: then larger ones may.
    setting.parameters.plain_moduli = moduli;
    try {
        setting.parameters = resolve(setting.parameters);
    } catch (const Error&) {
        return std::nullopt;
    }
    std::optional<Circuit> circuit = plan_circuit(stages, setting);
    if (!circuit) {
        return std::nullopt;
    }
    Candidate candidate{setting.parameters, std::move(*circuit), setting.packing, 0};
    candidate.request_cost = candidate.circuit.cost() * static_cast<double>(moduli.size());
    return candidate;
}

/// Less work, or a shorter reply for the same work.
bool is_better(const Candidate& a, const Candidate& b, double log_t) {
    constexpr double same = 1.001;
    if (a.request_cost * same < b.request_cost) {
        return true;
    }
    return a.request_cost <= b.request_cost * same && reply_bits(a, log_t) < reply_bits(b, log_t);
}

/// A chain of as few primes as possible for which the circuit decrypts, for this n and these plaintext
/// moduli.
std::optional<Candidate> shortest_chain(const std::vector<Stage>& stages, const PlanRequest& request,
                                        std::size_t n, Packing packing,
                                        const std::vector<std::uint64_t>& moduli) {
    const int limit = max_log_qp(n, request.security);
    const int smallest_prime = std::countr_zero(n) + 5;
    const double log_t = std::log2(static_cast<double>(*std::max_element(moduli.begin(), moduli.end())));
    for (std::size_t limbs = 1; static_cast<int>(limbs) * smallest_prime < limit; ++limbs) {
        std::optional<Candidate> best;
        for (const std::size_t digit_limbs : {std::size_t{1}, std::size_t{2}, std::size_t{3}}) {
            if (digit_limbs > 1 && limbs < 3 * digit_limbs) {
                continue;
            }
            // Total sizes from small to large: a smaller Q needs fewer helper primes, a few bits more may let
            // a prime go earlier or make the reply shorter.
            int fitting = 0;
            const int least = std::max(static_cast<int>(limbs) * smallest_prime,
                                       static_cast<int>(limbs - 1) * max_modulus_bits + 1);
            for (int total = least;
                 total <= static_cast<int>(limbs) * max_modulus_bits && fitting < chains_tried; ++total) {
                const int special =
                    std::min(max_modulus_bits, (limit - total) / static_cast<int>(digit_limbs));
                if (special < smallest_prime) {
                    break;
                }
                CircuitSetting setting;
                setting.parameters.n = n;
                setting.parameters.security = request.security;
                setting.parameters.digit_limbs = digit_limbs;
                setting.parameters.special_bits.assign(digit_limbs, special);
                setting.log_t = log_t;
                setting.packing = packing;
                setting.privacy_bits = request.privacy_bits;
                setting.public_encryption = request.public_encryption;
                setting.moduli = moduli.size();
                bool fits = false;
                for (const std::vector<int>& chain : chains_of(total, limbs, smallest_prime)) {
                    setting.parameters.data_bits = chain;
                    std::optional<Candidate> candidate = try_chain(stages, setting, moduli);
                    fits = fits || candidate;
                    if (candidate && (!best || is_better(*candidate, *best, log_t))) {
                        best = std::move(candidate);
                    }
                }
                fitting += fits ? 1 : 0;
            }
        }
        if (best) {
            return best;
        }
    }
    return std::nullopt;
}

struct Bounds {
    mpz_class range;         // largest |value| to decode
    std::size_t degree = 0;  // radix
    std::size_t logit_degree = 0;
};

Bounds bounds_of(const Model& model, Packing packing) {
    Bounds bounds;
    if (packing == Packing::slots) {
        bounds.range = slot_ranges(model).largest_logit();
        return bounds;
    }
    const RadixRanges ranges = radix_ranges(model);
    bounds.range = ranges.largest_logit_coefficient();
    bounds.degree = ranges.largest_degree();
    for (const auto& logit : ranges.logits) {
        bounds.logit_degree = std::max(bounds.logit_degree, logit.empty() ? 0 : logit.size() - 1);
    }
    return bounds;
}

/// The cheapest candidate of one packing over ring sizes and numbers of plaintext moduli.
std::optional<Candidate> best_candidate(const Model& model, const PlanRequest& request, Packing packing,
                                        const Bounds& bounds) {
    const mpz_class needed = 2 * bounds.range + 1;
    // Weights rarely reach t / 2: then the stages are the same for all moduli.
    const mpz_class large_enough = 2 * largest_weight(model);
    const std::vector<Stage> usual_stages =
        stages_of(model, packing, {(std::uint64_t{1} << max_modulus_bits) - 1});
    std::optional<Candidate> best;
    for (std::size_t n = 2048; n <= max_ntt_size; n *= 2) {
        if (packing == Packing::radix &&
            (bounds.degree >= n || (bounds.logit_degree + 1) * model.classes() > n)) {
            continue;
        }
        const std::size_t capacity = packing == Packing::slots ? n : 1;
        const double requests = std::ceil(static_cast<double>(request.batch) / static_cast<double>(capacity));
        for (std::size_t count = 1; count <= PlanLimits::plain_moduli; ++count) {
            if (request.plain_moduli != 0 && request.plain_moduli != count) {
                continue;
            }
            const std::vector<std::uint64_t> moduli = plain_moduli(n, packing, count, needed);
            if (moduli.empty()) {
                continue;
            }
            const bool usual = to_mpz(*std::min_element(moduli.begin(), moduli.end())) > large_enough;
            std::optional<Candidate> candidate = shortest_chain(
                usual ? usual_stages : stages_of(model, packing, moduli), request, n, packing, moduli);
            if (!candidate) {
                continue;
            }
            candidate->request_cost *= requests;
            if (!best || candidate->request_cost < best->request_cost) {
                best = std::move(candidate);
            }
        }
    }
    return best;
}

/// Why there is no candidate: which bound cannot be met.
std::string obstacle(const Model& model, const PlanRequest& request, Packing packing, const Bounds& bounds) {
    const std::size_t joined = (bounds.logit_degree + 1) * model.classes();
    if (packing == Packing::radix && std::max(bounds.degree + 1, joined) > max_ntt_size) {
        return "digit polynomials reach x^" + std::to_string(bounds.degree) + ", and the logits' " +
               std::to_string(joined) +
               " coefficients side by side have to fit n = " + std::to_string(max_ntt_size);
    }
    const std::size_t bits = bit_length(2 * bounds.range + 1);
    const std::size_t most = PlanLimits::plain_moduli * static_cast<std::size_t>(max_modulus_bits);
    if (bits > most) {
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

std::string bits_text(double bits) {
    std::string text = std::to_string(std::round(bits * 10) / 10);
    return text.substr(0, text.find('.') + 2);
}

std::vector<std::string> explain(const Plan& plan, const PlanRequest& request) {
    const Parameters& parameters = plan.client.parameters;
    const std::string count = std::to_string(plan.moduli());
    std::vector<std::string> reasons;
    reasons.push_back(plan.client.packing == Packing::slots
                          ? "packing: slots, up to " + std::to_string(parameters.n) +
                                " images share every ciphertext; a request of " +
                                std::to_string(request.batch) + " costs the same"
                          : "packing: radix, one image a request; every +-2^k weight is the monomial +-x^k");
    reasons.push_back(
        "plaintext moduli: no image brings a " +
        std::string(plan.client.packing == Packing::slots ? "logit" : "coefficient of a logit") +
        " beyond 2^" + bits_text(log2_of(plan.range + 1)) + ", so " + count +
        (plan.moduli() == 1 ? " modulus does" : " moduli joined by CRT do"));
    if (plan.client.packing == Packing::radix) {
        reasons.push_back("degree: digit polynomials reach x^" + std::to_string(plan.degree) + ", below n");
    }
    reasons.push_back("ring: n = " + std::to_string(parameters.n) +
                      " allows log2(QP) <= " + std::to_string(max_log_qp(parameters.n, parameters.security)) +
                      " at " + std::to_string(parameters.security) +
                      " bits (2024 guidelines); this plan uses " + bits_text(plan.log_qp()));
    reasons.push_back("noise: proven to leave " + bits_text(plan.output_budget_bits) +
                      " bits at the output and " + bits_text(plan.reply_budget_bits) +
                      " at the reply, for every input, except with probability 2^-128");
    if (plan.client.privacy_bits == 0) {
        reasons.push_back("circuit privacy: off; the reply's noise may say something about the model");
    } else {
        reasons.push_back("circuit privacy: the reply is re-randomised and flooded to within 2^-" +
                          std::to_string(plan.client.privacy_bits));
    }
    return reasons;
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
        case PlanStep::Kind::flood:
            return "flood";
        case PlanStep::Kind::join:
            return "join";
    }
    return "";
}

double log2_sum(const std::vector<std::uint64_t>& primes) {
    return std::accumulate(primes.begin(), primes.end(), 0.0, [](double sum, std::uint64_t prime) {
        return sum + std::log2(static_cast<double>(prime));
    });
}

double bits_sum(const std::vector<std::uint64_t>& primes, std::size_t count) {
    double bits = 0;
    for (std::size_t i = 0; i < count; ++i) {
        bits += std::bit_width(primes[i]);
    }
    return bits;
}

}  // namespace

const char* packing_name(Packing packing) {
    return packing == Packing::slots ? "slots" : "radix";
}

Layout ClientPlan::input_layout(std::size_t images) const {
    return {packing, input_shape.size(), images, 0};
}

Layout ClientPlan::reply_layout(std::size_t images) const {
    return {packing, classes, images, reply_stride};
}

double Plan::log_q() const {
    return log2_sum(client.parameters.data_primes);
}

double Plan::log_qp() const {
    return log_q() + log2_sum(client.parameters.special_primes);
}

double Plan::cost() const {
    double sum = 0;
    for (const PlanStep& step : steps) {
        sum += step.cost;
    }
    return sum * static_cast<double>(moduli());
}

double Plan::evaluation_key_bytes() const {
    const Parameters& p = client.parameters;
    const double word_bits =
        bits_sum(p.data_primes, p.data_primes.size()) + bits_sum(p.special_primes, p.special_primes.size());
    const auto digits = static_cast<double>((p.data_primes.size() + p.digit_limbs - 1) / p.digit_limbs);
    const double keys = (client.relin_keys ? 1 : 0) + static_cast<double>(client.galois_elements.size());
    return static_cast<double>(p.n) / 8 * word_bits * (keys * digits + (client.sends_public_key() ? 1 : 0));
}

double Plan::upload_bytes() const {
    const Parameters& p = client.parameters;
    const auto ciphertexts = static_cast<double>(client.input_layout(1).ciphertexts() * moduli());
    return ciphertexts * (static_cast<double>(p.n) / 8 * bits_sum(p.data_primes, p.data_primes.size()) + 32);
}

double Plan::download_bytes() const {
    const Parameters& p = client.parameters;
    const auto ciphertexts = static_cast<double>(client.reply_layout(1).ciphertexts() * moduli());
    const double limb_bits = bits_sum(p.data_primes, client.reply_limbs);
    const double n = static_cast<double>(p.n);
    const double used =
        client.reply_coefficients == 0 ? n : static_cast<double>(client.reply_stride * client.classes);
    return ciphertexts / 8 *
           (used * (limb_bits - client.reply_dropped_bits[0]) +
            n * (limb_bits - client.reply_dropped_bits[1]));
}

std::vector<std::uint64_t> value_factors(const Parameters& parameters, const std::vector<PlanStep>& steps,
                                         const Model& model, const Modulus& t) {
    std::vector<std::uint64_t> factors;
    std::uint64_t factor = 1;
    std::size_t limbs = parameters.data_primes.size();
    for (const PlanStep& step : steps) {
        if (step.kind == PlanStep::Kind::activation) {
            const auto& coefficients = std::get<Activation>(model.layers[step.layer].kind).coefficients;
            factor = t.power(factor, coefficients.size() - 1);
            for (std::size_t i = 0; step.unscaled && i < limbs; ++i) {
                factor = t.multiply(factor, t.reduce(parameters.data_primes[i]));
            }
            factor = step.unscaled ? t.negate(factor) : factor;
        }
        limbs = step.limbs;
        factors.push_back(factor);
    }
    return factors;
}

Plan make_plan(const Model& model, const PlanRequest& request) {
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
    if (request.privacy_bits > 0 && request.packing == Packing::radix) {
        throw Error(
            "plan: circuit privacy is not offered for the radix packing: the decrypted polynomial says more "
            "than its value at 2; use the slots, or ask for 0 bits of circuit privacy "
            "(--no-circuit-privacy)");
    }
    std::optional<Candidate> best;
    Bounds best_bounds;
    std::string obstacles;
    for (const Packing packing : {Packing::slots, Packing::radix}) {
        if ((request.packing && *request.packing != packing) ||
            (packing == Packing::radix && request.privacy_bits > 0)) {
            continue;
        }
        std::optional<Candidate> candidate;
        Bounds bounds;
        try {
            bounds = bounds_of(model, packing);
            candidate = best_candidate(model, request, packing, bounds);
        } catch (const Error& error) {
            obstacles += std::string("\n  - ") + packing_name(packing) + ": " + error.what();
            continue;
        }
        if (!candidate) {
            obstacles += std::string("\n  - ") + packing_name(packing) + ": " +
                         obstacle(model, request, packing, bounds);
            continue;
        }
        if (!best || candidate->request_cost < best->request_cost) {
            best = std::move(candidate);
            best_bounds = bounds;
        }
    }
    if (!best) {
        throw Error("plan: the model '" + model.name + "' cannot be run under encryption:" + obstacles +
                    "\ntrain for a smaller range (fewer input levels, smaller weights) or fewer activations");
    }

    Plan plan;
    plan.client.model = model.name;
    plan.client.parameters = best->parameters;
    plan.client.packing = best->packing;
    plan.client.input_shape = model.input_shape;
    plan.client.thresholds = model.thresholds;
    plan.client.classes = model.classes();
    plan.client.output_scale = model.output_scale;
    plan.client.batch = best->packing == Packing::slots ? best->parameters.n : 1;
    plan.client.relin_keys = best->circuit.relinearizes;
    plan.client.public_key = request.privacy_bits > 0;
    plan.client.privacy_bits = request.privacy_bits;
    plan.client.public_encryption = request.public_encryption;
    plan.client.reply_limbs = best->circuit.reply_limbs;
    if (best->packing == Packing::radix) {
        plan.client.reply_coefficients = best_bounds.logit_degree + 1;
        plan.client.reply_stride = model.classes() > 1 ? best_bounds.logit_degree + 1 : 0;
    }
    plan.steps = best->circuit.steps;
    for (PlanStep& step : plan.steps) {
        const bool of_layer = step.kind == PlanStep::Kind::linear || step.kind == PlanStep::Kind::activation;
        step.name = of_layer ? model.layers[step.layer].name : step_name(step.kind);
    }
    plan.model_digest = digest(model);
    plan.operations = count_operations(model);
    plan.range = best_bounds.range;
    plan.degree = best_bounds.degree;
    plan.output_budget_bits = best->circuit.output_budget_bits;
    plan.reply_budget_bits = best->circuit.reply_budget_bits;
    const auto& moduli = plan.client.parameters.plain_moduli;
    const double log_t = std::log2(static_cast<double>(*std::max_element(moduli.begin(), moduli.end())));
    plan.client.reply_dropped_bits = droppable_bits(*best, log_t);
    for (const std::uint64_t value : moduli) {
        const Modulus t(value);
        const std::uint64_t factor = value_factors(best->parameters, plan.steps, model, t).back();
        plan.client.reply_factors.push_back(factor == 1 ? 1 : t.inverse(factor));
    }
    plan.reasons = explain(plan, request);
    return plan;
}

}  // namespace lacuna
