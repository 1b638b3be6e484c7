// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/server/compiled_model.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <string>
#include <thread>
#include <utility>

#include <lacuna/he/evaluation/flooding.h>
#include <lacuna/nn/client/upload_masks.h>
#include <lacuna/nn/model/expanded_model.h>
#include <lacuna/nn/model/overloaded.h>
#include <lacuna/nn/packing/packed_network.h>
#include <lacuna/nn/packing/rules.h>
#include <lacuna/nn/server/plan_match.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/gmp_words.h>

namespace lacuna {

namespace {

Ciphertext full_ciphertext(const Ring& ring, SeededCiphertext seeded) {
    return expand(ring, std::move(seeded));
}

Ciphertext full_ciphertext(const Ring&, Ciphertext ciphertext) {
    return ciphertext;
}

/// As fresh: of this ring, two parts, top level. Of seeded ones expand() checks the same.
void check_fresh(const Ring&, const SeededCiphertext&) {}
void check_fresh(const Ring& ring, const Ciphertext& ciphertext) {
    if (ciphertext.ring != ring.hash() || ciphertext.size() != 2 ||
        !ciphertext.has_shape(ring.n(), ring.max_limbs(), Form::coefficient)) {
        throw Error("infer: expected fresh ciphertexts of two parts and " + std::to_string(ring.max_limbs()) +
                    " limbs in coefficient form, found others; encrypt for this plan");
    }
}

void check_model(const Model& model, const Plan& plan) {
    const ClientPlan& client = plan.client;
    if (client.model != model.name || client.input_shape != model.input_shape ||
        client.thresholds != model.thresholds || client.features != model.features ||
        client.classes != model.classes()) {
        throw Error("session: the plan was made for the model '" + client.model + "', this one is '" +
                    model.name + "' with another input or output; plan this model");
    }
    if (digest(model) != plan.model_digest) {
        throw Error("session: the plan was made for other layers or weights than those of the model '" +
                    model.name + "', and its proofs hold for them alone; plan this model");
    }
}

/// Whether a step is a layer kernel, over all values.
bool is_kernel(const Step& step) {
    return step.get_if<LinearStep>() != nullptr || step.get_if<JoinStep>() != nullptr;
}

/// The layout and rotations that the plan's proof and the client's half stand on are this network's.
void check_layout_of(const PackedNetwork& network, const Plan& plan, std::size_t slots) {
    const ClientPlan& client = plan.client;
    const PlainModulus& t = client.parameters.plain_polynomials.front();
    bool same =
        packed_tensors(network, slots) == client.packed &&
        rotation_elements(network, client.parameters.n, t) == client.galois_elements &&
        (client.galois_limbs.empty() ||
         rotation_limbs(network, client.parameters.n, t, linear_limbs(plan.program)) == client.galois_limbs);
    auto layer = network.layers().begin();
    for (const Stage& stage : plan.recipe.stages) {
        if (stage.linear) {
            DiagonalAccount account = (layer++)->account;
            account.norms = stage.diagonals->norms;
            same = same && account == *stage.diagonals;
        }
    }
    if (!same) {
        throw Error("session: the plan lays out the model '" + client.model +
                    "' in another way than its layers are; plan this model");
    }
}

/// Of the elements after a layer.
PackedPlaces places_in(const PackedNetwork& network, std::size_t entry) {
    return {network.places()[entry], network.copies(entry), network.images()};
}

}  // namespace

struct CompiledModel::Request {
    const EvaluationKeys& keys;
    const RunControl& control;
    const Observer& observe;
    std::optional<Encryptor> encryptor;  // of zero, for flooding
    const Exchange* exchange = nullptr;  // between the ranks of a lane
};

CompiledModel::CompiledModel(const Model& model, const Plan& plan)
    : CompiledModel(model, plan, Context(plan.client.parameters)) {}

CompiledModel::CompiledModel(const Model& model, const Plan& plan, Context context)
    : plan_(plan), context_(std::move(context)), evaluator_(context_) {
    compile_model(model);
}

CompiledModel::CompiledModel(const Model& model, const Plan& plan, Context context, ModelPart part)
    : plan_(plan), context_(std::move(context)), evaluator_(context_), part_(std::move(part)) {
    compile_model(model);
}

void CompiledModel::compile_model(const Model& model) {
    check_model(model, plan_);
    check_context(context_, plan_.client.parameters);
    if (plan_.client.packing == Packing::packed) {
        compile_packed(model);
    } else if (!plan_.client.parameters.plain_polynomials.empty()) {
        compile_binomial(model);
    } else {
        compile(model);
    }
}

void CompiledModel::compile_packed(const Model& model) {
    const ExpandedModel expanded(model);
    const auto shared_encoder = std::make_shared<const BinomialEncoder>(context_);
    const BinomialEncoder& encoder = *shared_encoder;
    const PackedNetwork network(expanded, encoder.slots(), plan_.recipe.ways, plan_.client.packed.images);
    check_layout_of(network, plan_, encoder.slots());
    const int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    std::vector<Operand>& operands = operands_.emplace_back(plan_.program.size());
    auto layer = network.layers().begin();
    std::size_t limbs = context_.ring().max_limbs();
    for (std::size_t s = 0; s < plan_.program.size(); ++s) {
        const Step& step = plan_.program[s];
        if (const auto* linear = step.get_if<LinearStep>()) {
            const PackedLayer& packed = *layer++;
            const PackedKernel::Outputs outputs{expanded.map(linear->layer).bias,
                                                places_in(network, linear->layer + 1)};
            const auto keep = [&](PackedKernel kernel) {
                prepared_bytes_ += kernel.bytes();
                operands[s] = LayerKernel(std::move(kernel));
            };
            if (!part_) {
                keep(PackedKernel(context_, encoder, packed, outputs, limbs, threads));
            } else if (const auto& groups = part_->line(step.line).computes[part_->rank];
                       part_->rank == 0 || !groups.empty()) {
                keep(PackedKernel(context_, encoder, packed, outputs, limbs, groups, part_->rank == 0,
                                  threads));
            }
        } else if (const auto* sum = step.get_if<WeightedSumStep>()) {
            operands[s] = packed_polynomial(std::get<Activation>(model.layers[sum->layer].kind), encoder,
                                            network, sum->layer + 1);
        } else if (step.get_if<MaskStep>() != nullptr) {
            operands[s] = ReplyMask(shared_encoder, plan_.client.packed);
        }
        limbs = step.limbs;
    }
}

CompiledModel::Polynomial CompiledModel::packed_polynomial(const Activation& activation,
                                                           const BinomialEncoder& encoder,
                                                           const PackedNetwork& network,
                                                           std::size_t entry) const {
    Polynomial result;
    result.weights.emplace_back();
    for (std::size_t i = 1; i < activation.coefficients.size(); ++i) {
        result.weights.push_back(
            PackedPacking::monomials(activation.coefficients[i], context_.plain().t(), context_.n()));
    }
    // In slots without an element there is nothing to be told of the constant.
    const PackedPlaces places = places_in(network, entry);
    const std::vector<mpz_class> constants(places.places.size(), activation.coefficients.front());
    for (std::size_t c = 0; c < network.ciphertexts(entry); ++c) {
        result.constants.push_back(packed_plaintext(encoder, constants, places, c));
    }
    return result;
}

void CompiledModel::compile_binomial(const Model& model) {
    const std::vector<Shape> shapes = model.shapes();
    const BinomialRing ring{context_.plain().t(), context_.n()};
    const std::vector<mpz_class> factors =
        value_factors(plan_.program, plan_.client.parameters.data_primes, context_.plain().slot_modulus());
    std::vector<Operand>& operands = operands_.emplace_back(plan_.program.size());
    std::size_t limbs = context_.ring().max_limbs();
    for (std::size_t s = 0; s < plan_.program.size(); ++s) {
        const Step& step = plan_.program[s];
        if (part_ && is_kernel(step) && part_->line(step.line).computes[part_->rank].empty()) {
            limbs = step.limbs;
            continue;
        }
        if (const auto* linear = step.get_if<LinearStep>()) {
            LinearMap map = linear_map(model.layers[linear->layer], shapes[linear->layer]);
            if (part_) {
                map = part_of(map, part_->line(step.line), part_->rank);
            }
            BinomialKernel kernel(context_, map, factors[s], limbs);
            prepared_bytes_ += kernel.bytes();
            operands[s] = LayerKernel(std::move(kernel));
        } else if (const auto* sum = step.get_if<WeightedSumStep>()) {
            operands[s] =
                binomial_polynomial(std::get<Activation>(model.layers[sum->layer].kind), factors[s]);
        } else if (step.get_if<JoinStep>() != nullptr) {
            operands[s] = LayerKernel(join_layer(ring.n, plan_.client.classes, plan_.client.reply_stride));
        }
        limbs = step.limbs;
    }
}

CompiledModel::Polynomial CompiledModel::binomial_polynomial(const Activation& activation,
                                                             const mpz_class& factor) const {
    const BinomialRing ring{context_.plain().t(), context_.n()};
    Polynomial result;
    result.weights.emplace_back();
    for (std::size_t i = 1; i < activation.coefficients.size(); ++i) {
        result.weights.push_back(BinomialPacking::monomials(activation.coefficients[i], ring));
    }
    if (const mpz_class constant = activation.coefficients.front() * factor; constant != 0) {
        result.constants.emplace_back(BinomialPacking::constant(constant, ring));
    }
    return result;
}

void CompiledModel::compile(const Model& model) {
    const std::vector<Shape> shapes = model.shapes();
    const std::size_t moduli = context_.plain_count();
    std::vector<std::size_t> all(moduli);
    std::iota(all.begin(), all.end(), std::size_t{0});
    std::vector<std::vector<std::uint64_t>> factors;
    for (std::size_t m = 0; m < moduli; ++m) {
        const Modulus& t = context_.plain(m).modulus();
        std::vector<std::uint64_t>& words = factors.emplace_back();
        for (const mpz_class& factor :
             value_factors(plan_.program, plan_.client.parameters.data_primes, to_mpz(t.value()))) {
            words.push_back(to_word(factor));
        }
        operands_.emplace_back(plan_.program.size());
    }
    for (std::size_t s = 0; s < plan_.program.size(); ++s) {
        const Step& step = plan_.program[s];
        const auto set = [&](const auto& make) {
            for (const std::size_t m : part_ ? part_->moduli : all) {
                operands_[m][s] = make(context_.plain(m).modulus(), factors[m][s]);
            }
        };
        if (part_ && is_kernel(step) && part_->line(step.line).computes[part_->rank].empty()) {
            continue;
        }
        if (const auto* linear = step.get_if<LinearStep>()) {
            LinearMap map = linear_map(model.layers[linear->layer], shapes[linear->layer]);
            if (part_) {
                map = part_of(map, part_->line(step.line), part_->rank);
            }
            set([&](const Modulus& t, std::uint64_t factor) {
                return std::visit(
                    [&](const auto& rules) { return rules.compile(map, context_.n(), t, factor); },
                    integer_rules_of(plan_.client.packing));
            });
        } else if (const auto* sum = step.get_if<WeightedSumStep>()) {
            const auto& activation = std::get<Activation>(model.layers[sum->layer].kind);
            set([&](const Modulus& t, std::uint64_t factor) { return polynomial(activation, t, factor); });
        } else if (step.get_if<JoinStep>() != nullptr) {
            set([&](const Modulus&, std::uint64_t) {
                return join_layer(context_.n(), plan_.client.classes, plan_.client.reply_stride);
            });
        }
    }
}

CompiledModel::Polynomial CompiledModel::polynomial(const Activation& activation, const Modulus& t,
                                                    std::uint64_t factor) const {
    return std::visit(
        [&](const auto& rules) {
            Polynomial result;
            result.weights.emplace_back();
            for (std::size_t i = 1; i < activation.coefficients.size(); ++i) {
                result.weights.push_back(rules.monomials(activation.coefficients[i], t));
            }
            const auto constant = multiplied(rules.monomials(activation.coefficients[0], t), factor, t);
            if (!constant.empty()) {
                Plaintext& plaintext = result.constants.emplace_back().emplace(context_.n(), t.value());
                for (const Monomial& term : constant) {
                    plaintext[term.exponent] = t.reduce_signed(term.coefficient);
                }
            }
            return result;
        },
        integer_rules_of(plan_.client.packing));
}

void CompiledModel::check(const EvaluationKeys& keys) const {
    check_keys(keys, context_.ring(), plan_.client);
}

void CompiledModel::reserve(const RunControl& control) const {
    std::size_t polynomials = 0;
    for (const PlanStep& step : plan_.steps) {
        polynomials = std::max(polynomials, step.elements * step.size);
    }
    std::vector<Buffer> words(polynomials);
    parallel_for(words.size(), control, "reserve memory", 0, 1, 1,
                 [&](std::size_t i) { words[i] = Buffer(context_.n() * context_.ring().max_limbs()); });
}

EncryptedTensor CompiledModel::infer(const EvaluationKeys& keys, SeededTensor input,
                                     const RunControl& control, const Observer& observe) const {
    return run(keys, std::move(input), control, observe);
}

EncryptedTensor CompiledModel::infer(const EvaluationKeys& keys, EncryptedTensor input,
                                     const RunControl& control, const Observer& observe) const {
    check_public_encryption();
    return run(keys, std::move(input), control, observe);
}

std::vector<Ciphertext> CompiledModel::infer_modulus(const EvaluationKeys& keys, std::size_t m,
                                                     std::vector<SeededCiphertext> input,
                                                     const RunControl& control,
                                                     const Observer& observe) const {
    return run_alone(keys, m, std::move(input), control, observe);
}

std::vector<Ciphertext> CompiledModel::infer_modulus(const EvaluationKeys& keys, std::size_t m,
                                                     std::vector<Ciphertext> input, const RunControl& control,
                                                     const Observer& observe) const {
    check_public_encryption();
    return run_alone(keys, m, std::move(input), control, observe);
}

std::vector<Ciphertext> CompiledModel::infer_part(const EvaluationKeys& keys, std::size_t m,
                                                  std::vector<SeededCiphertext> input,
                                                  const Exchange& exchange, const RunControl& control) const {
    return run_part(keys, m, std::move(input), exchange, control);
}

std::vector<Ciphertext> CompiledModel::infer_part(const EvaluationKeys& keys, std::size_t m,
                                                  std::vector<Ciphertext> input, const Exchange& exchange,
                                                  const RunControl& control) const {
    check_public_encryption();
    return run_part(keys, m, std::move(input), exchange, control);
}

void CompiledModel::check_public_encryption() const {
    if (!plan_.client.public_encryption) {
        throw Error(
            "infer: expected seeded ciphertexts, found full ones; the plan leaves no room for the noise of "
            "public-key encryption");
    }
}

template <typename Tensor>
void CompiledModel::check_layout(const Tensor& input) const {
    const ClientPlan& client = plan_.client;
    const std::size_t moduli = context_.plain_count();
    const Layout& layout = input.layout;
    if (layout != client.input_layout(layout.batch) || layout.batch < 1 || layout.batch > client.batch ||
        input.residues.size() != moduli ||
        std::any_of(input.residues.begin(), input.residues.end(),
                    [&](const auto& residues) { return residues.size() != layout.ciphertexts(); })) {
        throw Error("infer: the request has another layout than the plan's: expected " +
                    std::to_string(client.input_layout(1).ciphertexts()) + " ciphertexts for each of " +
                    std::to_string(moduli) + " plaintext moduli, for 1 ... " + std::to_string(client.batch) +
                    " images in the " + packing_name(client.packing) + " packing");
    }
}

template <typename Encrypted>
void CompiledModel::check_residues(std::size_t m, const std::vector<Encrypted>& input,
                                   UploadMasks& masks) const {
    const PlainModulus& t = context_.plain(m).t();
    for (const Encrypted& ciphertext : input) {
        if (ciphertext.t != t) {
            throw Error("infer: expected ciphertexts modulo t = " + to_string(t) + ", found " +
                        to_string(ciphertext.t) + "; encrypt for this plan");
        }
        check_fresh(context_.ring(), ciphertext);
        masks.add(ciphertext);
    }
}

CompiledModel::Request CompiledModel::request_of(const EvaluationKeys& keys, const RunControl& control,
                                                 const Observer& observe, const Exchange* exchange) const {
    if (part_.has_value() != (exchange != nullptr)) {
        throw Error("infer: expected infer_part() for a part of a model, and for nothing else, found the " +
                    std::string(part_ ? "whole" : "part") + " asked for; compile what is to be run");
    }
    check(keys);
    Request request{keys, control, observe, std::nullopt, exchange};
    if (plan_.client.public_key) {
        // The caller's keys outlive the request: the encryptor looks at them and copies nothing.
        request.encryptor.emplace(
            context_, std::shared_ptr<const PublicKey>(std::shared_ptr<const void>(), &*keys.public_key));
    }
    return request;
}

template <typename Tensor>
EncryptedTensor CompiledModel::run(const EvaluationKeys& keys, Tensor input, const RunControl& control,
                                   const Observer& observe) const {
    check_layout(input);
    UploadMasks masks("infer");
    for (std::size_t m = 0; m < input.residues.size(); ++m) {
        check_residues(m, input.residues[m], masks);
    }
    const Request request = request_of(keys, control, observe);
    Position position{0, plan_.cost()};
    EncryptedTensor reply;
    reply.layout = plan_.client.reply_layout(input.layout.batch);
    for (std::size_t m = 0; m < input.residues.size(); ++m) {
        reply.residues.push_back(run_modulus(request, m, std::move(input.residues[m]), position));
    }
    control.report("done", position.total, position.total);
    return reply;
}

template <typename Encrypted>
std::vector<Ciphertext> CompiledModel::run_alone(const EvaluationKeys& keys, std::size_t m,
                                                 std::vector<Encrypted> input, const RunControl& control,
                                                 const Observer& observe) const {
    const std::size_t ciphertexts = plan_.client.input_layout(1).ciphertexts();
    if (m >= context_.plain_count() || input.size() != ciphertexts) {
        throw Error("infer: expected " + std::to_string(ciphertexts) + " ciphertexts for one of " +
                    std::to_string(context_.plain_count()) + " plaintext moduli, found " +
                    std::to_string(input.size()) + " for number " + std::to_string(m) + " from 0 on");
    }
    UploadMasks masks("infer");
    check_residues(m, input, masks);
    const Request request = request_of(keys, control, observe);
    Position position{0, plan_.cost() / static_cast<double>(plan_.moduli())};
    Ciphertexts values = run_modulus(request, m, std::move(input), position);
    control.report("done", position.total, position.total);
    return values;
}

template <typename Encrypted>
std::vector<Ciphertext> CompiledModel::run_part(const EvaluationKeys& keys, std::size_t m,
                                                std::vector<Encrypted> input, const Exchange& exchange,
                                                const RunControl& control) const {
    if (!part_ || std::ranges::find(part_->moduli, m) == part_->moduli.end() ||
        input.size() != part_->inputs().size()) {
        throw Error("infer: expected this rank's part of a request, which is " +
                    std::to_string(part_ ? part_->inputs().size() : 0) + " ciphertexts, found " +
                    std::to_string(input.size()) + " of plaintext modulus number " + std::to_string(m));
    }
    UploadMasks masks("infer");
    check_residues(m, input, masks);
    const Observer nobody;
    const Request request = request_of(keys, control, nobody, &exchange);
    Ciphertexts values(input.size());
    parallel_for(values.size(), control, "expand", 0, 0, 1,
                 [&](std::size_t i) { values[i] = full_ciphertext(context_.ring(), std::move(input[i])); });
    Position position{0, plan_.cost() / static_cast<double>(plan_.moduli())};
    run_lines(request, m, values, position);
    control.report("done", position.total, position.total);
    return values;
}

template <typename Encrypted>
std::vector<Ciphertext> CompiledModel::run_modulus(const Request& request, std::size_t m,
                                                   std::vector<Encrypted> input, Position& position) const {
    const RunControl& control = request.control;
    Ciphertexts values(input.size());
    parallel_for(values.size(), control, "expand", position.done, position.done, position.total,
                 [&](std::size_t i) { values[i] = full_ciphertext(context_.ring(), std::move(input[i])); });
    if (plan_.client.packing == Packing::packed) {
        return run_sets(request, std::move(values), position);
    }
    run_lines(request, m, values, position);
    return values;
}

CompiledModel::Ciphertexts CompiledModel::run_sets(const Request& request, Ciphertexts values,
                                                   const Position& position) const {
    const std::size_t each = plan_.client.input_layout(1).each;
    const std::size_t sets = values.size() / each;
    std::vector<Ciphertexts> results(sets);
    const auto run = [&](const Request& of_set, std::size_t set) {
        const auto first = values.begin() + static_cast<std::ptrdiff_t>(set * each);
        Ciphertexts own(std::make_move_iterator(first),
                        std::make_move_iterator(first + static_cast<std::ptrdiff_t>(each)));
        Position of_run = position;
        run_lines(of_set, 0, own, of_run);
        results[set] = std::move(own);
    };
    const auto threads = static_cast<std::size_t>(std::max(request.control.threads, 1));
    if (sets < threads || request.observe) {  // an observer sees one set after the other
        for (std::size_t set = 0; set < sets; ++set) {
            run(request, set);
        }
    } else {  // threads that share no set wait for none
        RunControl alone;
        alone.stop = request.control.stop;
        const Request of_set{request.keys, alone, request.observe, request.encryptor, nullptr};
        parallel_for(sets, request.control, "images", position.done, position.total, position.total,
                     [&](std::size_t set) { run(of_set, set); });
    }
    Ciphertexts reply;
    for (Ciphertexts& result : results) {
        std::move(result.begin(), result.end(), std::back_inserter(reply));
    }
    return reply;
}

void CompiledModel::run_lines(const Request& request, std::size_t m, Ciphertexts& values,
                              Position& position) const {
    const RunControl& control = request.control;
    for (const PlanStep& line : plan_.steps) {
        control.check();
        control.report(line.name, position.done, position.total);
        const auto index = static_cast<std::size_t>(&line - plan_.steps.data());
        if (part_ && is_kernel(plan_.program[line.begin])) {
            run_shared_line(request, m, index, values);
        } else {
            run_line(request, m, line, values, position);
        }
        control.check();
        if (request.observe) {
            request.observe(line, values);
        }
        position.done += line.cost;
    }
}

/// A layer kernel over all values, or else steps that each value takes by itself, one value after the other
/// while it is in the caches.
void CompiledModel::run_line(const Request& request, std::size_t m, const PlanStep& line, Ciphertexts& values,
                             const Position& position) const {
    if (const auto* kernel = std::get_if<LayerKernel>(&operands_[m][line.begin])) {
        apply(*kernel, context_, values, request.keys.galois_keys, request.control);
        return;
    }
    parallel_for(values.size(), request.control, line.name, position.done, position.done + line.cost,
                 position.total,
                 [&](std::size_t i) { values[i] = run_element(request, m, line, std::move(values[i]), i); });
}

void CompiledModel::run_shared_line(const Request& request, std::size_t m, std::size_t line,
                                    Ciphertexts& values) const {
    request.exchange->before(line, values);
    const auto* kernel = std::get_if<LayerKernel>(&operands_[m][plan_.steps[line].begin]);
    if (kernel == nullptr) {
        values.clear();
        request.exchange->after(line, values);
        return;
    }
    const GaloisKeys& keys = request.keys.galois_keys;
    if (const auto* packed = std::get_if<PackedKernel>(kernel); packed != nullptr && !packed->chained()) {
        values = packed->partial_sums(context_, values, keys, request.control);
        request.exchange->after(line, values);
        if (part_->rank == 0) {
            packed->finish(context_, values, keys, request.control);
        }
        return;
    }
    apply(*kernel, context_, values, keys, request.control);
    request.exchange->after(line, values);
}

Ciphertext CompiledModel::run_element(const Request& request, std::size_t m, const PlanStep& line,
                                      Ciphertext x, std::size_t index) const {
    Powers powers;
    powers[1] = std::move(x);
    for (std::size_t s = line.begin; s < line.end; ++s) {
        const Step& step = plan_.program[s];
        std::visit(
            Overloaded{
                [](const LinearStep&) {},  // of all values, see run_line()
                [](const JoinStep&) {},
                [&](const ProductStep& product) {
                    powers[product.powers.power()] = multiply(product, powers);
                },
                [&](const RelinearizeStep& relinearize) {
                    std::optional<Ciphertext>& power = powers[relinearize.power];
                    power = evaluator_.relinearize(*power, *request.keys.relin_keys);
                },
                [&](const WeightedSumStep&) {
                    powers[1] = add_up(std::get<Polynomial>(operands_[m][s]), step, powers, index);
                },
                [&](const ModSwitchStep&) { powers[1] = evaluator_.mod_switch_to(*powers[1], step.limbs); },
                [&](const MaskStep&) {
                    powers[1] =
                        evaluator_.add_plain(*powers[1], std::get<ReplyMask>(operands_[m][s]).shares());
                },
                [&](const FloodStep& flooding) {
                    powers[1] = flood(context_, *request.encryptor, *powers[1], flooding.bits);
                },
            },
            step.kind);
    }
    return std::move(*powers[1]);
}

Ciphertext CompiledModel::multiply(const ProductStep& product, Powers& powers) const {
    Ciphertext& low = *powers[product.powers.low];
    const std::size_t drop = product.drop ? 1 : 0;
    if (product.unscaled) {
        return evaluator_.square_unscaled(std::move(low), drop);
    }
    if (product.spends) {
        return evaluator_.square(std::move(low), drop);
    }
    return product.powers.is_square() ? evaluator_.square(low, drop)
                                      : evaluator_.multiply(low, *powers[product.powers.high], drop);
}

/// A weight after a rounding multiplies it too, so where the highest power dropped a prime, the others are
/// weighted and summed before they do.
Ciphertext CompiledModel::add_up(const Polynomial& polynomial, const Step& step, Powers& powers,
                                 std::size_t index) const {
    const std::size_t highest = std::get<WeightedSumStep>(step.kind).highest;
    std::optional<Ciphertext> sum;
    for (std::size_t i = highest; i-- > 1;) {
        if (!polynomial.weights[i].empty()) {
            Ciphertext term = weighted(std::move(*powers[i]), polynomial.weights[i]);
            sum = sum ? evaluator_.add(*sum, term) : std::move(term);
        }
    }
    if (sum && sum->limbs() > step.limbs) {
        sum = evaluator_.mod_switch_to(*sum, step.limbs);
    }
    if (highest > 0 && !polynomial.weights[highest].empty()) {
        Ciphertext term = weighted(std::move(*powers[highest]), polynomial.weights[highest]);
        sum = sum ? evaluator_.add(term, *sum) : std::move(term);
    }
    if (!sum) {  // every coefficient is 0 modulo this t
        const Ciphertext& any = *powers[std::max<std::size_t>(highest, 1)];
        sum = evaluator_.subtract(any, any);
    }
    const Plaintext* const constant = polynomial.constant(index);
    return constant != nullptr ? evaluator_.add_plain(*sum, *constant) : std::move(*sum);
}

Ciphertext CompiledModel::weighted(Ciphertext x, const std::vector<Monomial>& weight) const {
    if (weight.size() == 1 && weight.front() == Monomial{1, 0}) {
        return x;
    }
    if (weight.size() == 1) {
        return evaluator_.multiply_monomial(x, weight.front());
    }
    return evaluator_.multiply_sparse(x, weight);
}

}  // namespace lacuna
