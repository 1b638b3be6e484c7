// SPDX-License-Identifier: Apache-2.0
#include "nn/session.h"

#include <algorithm>
#include <string>

#include "he/flooding.h"
#include "nn/digits.h"
#include "ntt/error.h"

namespace lacuna {

namespace {

Ciphertext full_ciphertext(const Ring& ring, SeededCiphertext seeded) {
    return expand(ring, std::move(seeded));
}

/// As fresh: of this ring, two parts, top level.
Ciphertext full_ciphertext(const Ring& ring, Ciphertext ciphertext) {
    if (ciphertext.ring != ring.hash() || ciphertext.size() != 2 || ciphertext.limbs() != ring.max_limbs() ||
        ciphertext.form() != Form::coefficient) {
        throw Error("infer: expected fresh ciphertexts of two parts and " + std::to_string(ring.max_limbs()) +
                    " limbs in coefficient form, found others; encrypt for this plan");
    }
    return ciphertext;
}

}  // namespace

Session::Session(const Model& model, const Plan& plan, EvaluationKeys keys)
    : Session(model, plan, std::make_shared<const Context>(plan.client.parameters), std::move(keys)) {}

Session::Session(const Model& model, const Plan& plan, std::shared_ptr<const Context> context,
                 EvaluationKeys keys)
    : plan_(plan),
      context_(std::move(context)),
      keys_(std::make_unique<const EvaluationKeys>(std::move(keys))),
      evaluator_(*context_) {
    const std::vector<Shape> shapes = model.shapes();
    if (plan_.client.model != model.name || plan_.client.input_shape != model.input_shape ||
        plan_.client.thresholds != model.thresholds || plan_.client.classes != model.classes()) {
        throw Error("session: the plan was made for the model '" + plan_.client.model + "', this one is '" +
                    model.name + "' with another input or output; plan this model");
    }
    if (digest(model) != plan_.model_digest) {
        throw Error("session: the plan was made for other layers or weights than those of the model '" +
                    model.name + "', and its proofs hold for them alone; plan this model");
    }
    if (keys_->ring != context_->ring().hash()) {
        throw Error(
            "session: the evaluation keys belong to other parameters than the plan's; generate keys for this "
            "plan");
    }
    if (plan_.client.relin_keys && !keys_->relin_keys) {
        throw Error(
            "session: the plan needs relinearisation keys, the client sent none; generate keys for this "
            "plan");
    }
    for (const std::uint32_t element : plan_.client.galois_elements) {
        (void)keys_->galois_keys.at(element);
    }
    if (plan_.client.public_key) {
        if (!keys_->public_key) {
            throw Error(
                "session: circuit privacy needs the client's public key among the evaluation keys; generate "
                "keys for this plan");
        }
        encryptor_.emplace(*context_, *keys_->public_key);
    }
    activations_.resize(model.layers.size());
    for (std::size_t m = 0; m < context_->plain_count(); ++m) {
        auto& products = products_.emplace_back(model.layers.size());
        const Modulus& t = context_->plain(m).modulus();
        factors_.push_back(value_factors(plan_.client.parameters, plan_.steps, model, t));
        for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
            const PlanStep& step = plan_.steps[s];
            if (step.kind == PlanStep::Kind::linear) {
                products[step.layer].emplace(
                    compile_linear(model, step.layer, shapes[step.layer], t, factors_[m][s]));
            } else if (step.kind == PlanStep::Kind::activation) {
                activations_[step.layer] = std::get<Activation>(model.layers[step.layer].kind).coefficients;
            }
        }
    }
    if (plan_.client.reply_stride != 0) {
        std::vector<SparseTerm> row;
        for (std::uint32_t i = 0; i < plan_.client.classes; ++i) {
            row.push_back({i, static_cast<std::uint32_t>(i * plan_.client.reply_stride), 1});
        }
        join_.emplace(context_->n(), plan_.client.classes,
                      std::vector<std::vector<SparseTerm>>{std::move(row)});
    }
}

/// An integer as the packing writes it: one constant, centred modulo t, or its signed digits as monomials.
std::vector<Monomial> Session::encode_integer(const mpz_class& value, const Modulus& t) const {
    std::vector<Monomial> terms;
    if (plan_.client.packing == Packing::radix) {
        for (const Digit& digit : naf(value)) {
            terms.push_back({digit.sign, digit.exponent});
        }
    } else if (const std::int64_t centred = t.centre(residue(value, t)); centred != 0) {
        terms.push_back({centred, 0});
    }
    return terms;
}

std::vector<Monomial> Session::encode_constant(const mpz_class& value, const Modulus& t,
                                               std::uint64_t factor) const {
    std::vector<Monomial> terms = encode_integer(value, t);
    for (Monomial& term : terms) {
        term.coefficient = t.centre(t.multiply(t.reduce_signed(term.coefficient), factor));
    }
    return terms;
}

SparseProduct Session::compile_linear(const Model& model, std::size_t layer, const Shape& input,
                                      const Modulus& t, std::uint64_t factor) const {
    const LinearMap map = linear_map(model.layers[layer], input);
    std::vector<std::vector<SparseTerm>> rows;
    for (const std::vector<WeightTerm>& weights : map.weights.rows) {
        std::vector<SparseTerm>& row = rows.emplace_back();
        for (const WeightTerm& term : weights) {
            for (const Monomial& monomial : encode_integer(mpz_class(static_cast<long>(term.weight)), t)) {
                row.push_back(
                    {term.column, static_cast<std::uint32_t>(monomial.exponent), monomial.coefficient});
            }
        }
    }
    std::vector<std::vector<Monomial>> bias;
    for (const mpz_class& value : map.bias) {
        bias.push_back(encode_constant(value, t, factor));
    }
    return SparseProduct(context_->n(), input.size(), std::move(rows), std::move(bias));
}

Ciphertext Session::weighted(Ciphertext x, const std::vector<Monomial>& weight) const {
    if (weight.size() == 1 && weight.front() == Monomial{1, 0}) {
        return x;
    }
    if (weight.size() == 1) {
        return evaluator_.multiply_monomial(x, weight.front());
    }
    return evaluator_.multiply_sparse(x, weight);
}

/// c_0 + c_1 x + ... + c_d x^d at level `limbs`, that of x or one below: powers by x^i = x^(i/2) x^(i - i/2),
/// each relinearised only where it is multiplied on. The last product drops the prime, in its own rounding
/// where it has one.
Ciphertext Session::activate(Ciphertext x, const PlanStep& step, std::uint64_t factor) const {
    const std::size_t limbs = step.limbs;
    const std::vector<mpz_class>& coefficients = activations_[step.layer];
    const bool bare_square = coefficients.size() == 3 && coefficients[1] == 0;  // nothing else needs x
    const Modulus& t = context_->plain_for(x.t).modulus();
    std::vector<std::optional<Ciphertext>> powers(coefficients.size());
    const auto product = [&](const auto& power, std::size_t i, std::size_t drop) {
        const std::size_t low = i / 2;
        for (const std::size_t half : {low, i - low}) {
            if (power(power, half).size() == 3) {
                powers[half] = evaluator_.relinearize(*powers[half], *keys_->relin_keys);
            }
        }
        if (step.unscaled) {
            return evaluator_.square_unscaled(std::move(x), drop);
        }
        if (bare_square) {
            return evaluator_.square(std::move(x), drop);
        }
        return i % 2 == 0 ? evaluator_.square(power(power, low), drop)
                          : evaluator_.multiply(power(power, low), power(power, i - low), drop);
    };
    const auto power = [&](const auto& self, std::size_t i) -> const Ciphertext& {
        if (i == 1) {
            return x;
        }
        if (!powers[i]) {
            powers[i] = product(self, i, 0);
        }
        return *powers[i];
    };
    // A weight after a rounding multiplies it too, so the lower terms are weighted and summed before theirs.
    std::optional<Ciphertext> sum;
    std::optional<Ciphertext> highest;
    for (std::size_t i = coefficients.size(); i-- > 1;) {
        const std::vector<Monomial> weight = encode_integer(coefficients[i], t);
        if (weight.empty()) {
            continue;
        }
        if (i + 1 == coefficients.size() && i > 1) {  // a factor of nothing else
            highest = weighted(product(power, i, x.limbs() - limbs), weight);
            continue;
        }
        Ciphertext term = weighted(power(power, i), weight);
        sum = sum ? evaluator_.add(*sum, term) : std::move(term);
    }
    if (!sum && !highest) {
        sum = evaluator_.subtract(x, x);  // every coefficient is 0 modulo t
    }
    if (sum) {
        sum = evaluator_.mod_switch_to(*sum, limbs);
    }
    if (highest) {
        sum = sum ? evaluator_.add(*highest, *sum) : std::move(highest);
    }
    const std::vector<Monomial> constant = encode_constant(coefficients[0], t, factor);
    if (!constant.empty()) {
        Plaintext plaintext(context_->n(), t.value());
        for (const Monomial& term : constant) {
            plaintext[term.exponent] = t.reduce_signed(term.coefficient);
        }
        sum = evaluator_.add_plain(*sum, plaintext);
    }
    return std::move(*sum);
}

void Session::reserve(const RunControl& control) const {
    std::size_t polynomials = 0;
    for (const PlanStep& step : plan_.steps) {
        polynomials = std::max(polynomials, step.elements * step.size);
    }
    std::vector<Buffer> words(polynomials);
    parallel_for(words.size(), control, "reserve memory", 0, 1, 1,
                 [&](std::size_t i) { words[i] = Buffer(context_->n() * context_->ring().max_limbs()); });
}

EncryptedTensor Session::infer(SeededTensor input, const RunControl& control, const Observer& observe) const {
    return run(std::move(input), control, observe);
}

EncryptedTensor Session::infer(EncryptedTensor input, const RunControl& control,
                               const Observer& observe) const {
    if (!plan_.client.public_encryption) {
        throw Error(
            "infer: expected seeded ciphertexts, found full ones; the plan leaves no room for the noise of "
            "public-key encryption");
    }
    return run(std::move(input), control, observe);
}

template <typename Tensor>
EncryptedTensor Session::run(Tensor input, const RunControl& control, const Observer& observe) const {
    const ClientPlan& client = plan_.client;
    const std::size_t moduli = context_->plain_count();
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
    for (std::size_t m = 0; m < moduli; ++m) {
        for (const auto& ciphertext : input.residues[m]) {
            if (ciphertext.t != client.parameters.plain_moduli[m]) {
                throw Error("infer: expected ciphertexts modulo t = " +
                            std::to_string(client.parameters.plain_moduli[m]) + ", found " +
                            to_string(ciphertext.t) + "; encrypt for this plan");
            }
        }
    }
    const double total = plan_.cost();
    double done = 0;
    EncryptedTensor reply;
    reply.layout = client.reply_layout(layout.batch);
    for (std::size_t m = 0; m < moduli; ++m) {
        Ciphertexts values(layout.ciphertexts());
        parallel_for(values.size(), control, "expand", done, done, total, [&](std::size_t i) {
            values[i] = full_ciphertext(context_->ring(), std::move(input.residues[m][i]));
        });
        for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
            const PlanStep& step = plan_.steps[s];
            control.check();
            control.report(step.name, done, total);
            const auto each = [&](const auto& work) {
                parallel_for(values.size(), control, step.name, done, done + step.cost, total,
                             [&](std::size_t i) { values[i] = work(std::move(values[i])); });
            };
            switch (step.kind) {
                case PlanStep::Kind::linear:
                    products_[m][step.layer]->transform(*context_, values, control.threads, control.stop);
                    break;
                case PlanStep::Kind::activation:
                    each([&](Ciphertext&& x) { return activate(std::move(x), step, factors_[m][s]); });
                    break;
                case PlanStep::Kind::relinearize:
                    each([&](const Ciphertext& x) { return evaluator_.relinearize(x, *keys_->relin_keys); });
                    break;
                case PlanStep::Kind::mod_switch:
                    each([&](const Ciphertext& x) { return evaluator_.mod_switch_to(x, step.limbs); });
                    break;
                case PlanStep::Kind::flood:
                    each([&](const Ciphertext& x) {
                        return flood(*context_, *encryptor_, x, step.flood_bits);
                    });
                    break;
                case PlanStep::Kind::join:
                    join_->transform(*context_, values, control.threads, control.stop);
                    break;
            }
            control.check();
            if (observe) {
                observe(step, values);
            }
            done += step.cost;
        }
        reply.residues.push_back(std::move(values));
    }
    control.report("done", total, total);
    return reply;
}

}  // namespace lacuna
