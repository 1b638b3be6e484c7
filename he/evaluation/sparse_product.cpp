// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/evaluation/sparse_product.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include <lacuna/he/fv/ciphertext_size.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/gmp_words.h>

namespace lacuna {

SparseProduct::SparseProduct(std::size_t n, std::size_t inputs, std::vector<std::vector<SparseTerm>> rows,
                             std::vector<std::vector<Monomial>> bias)
    : map_(n, inputs, std::move(rows)), bias_(std::move(bias)) {
    if (!bias_.empty() && bias_.size() != map_.outputs()) {
        throw Error("sparse product: expected a bias for each of the " + std::to_string(map_.outputs()) +
                    " rows or none at all, found " + std::to_string(bias_.size()));
    }
    for (const std::vector<Monomial>& terms : bias_) {
        for (const Monomial& term : terms) {
            if (term.exponent >= 2 * n) {
                throw Error("sparse product: expected bias exponents below 2n = " + std::to_string(2 * n) +
                            ", found " + std::to_string(term.exponent));
            }
        }
    }
    for (const std::vector<SparseTerm>& row : map_.rows()) {
        double sum = 0;
        double squares = 0;
        // Terms of one input and one shift add up before they are squared: their noise is the same noise.
        std::map<std::pair<std::uint32_t, std::size_t>, double> entries;
        for (const SparseTerm& term : row) {
            const double c = static_cast<double>(term.coefficient);
            sum += std::abs(c);
            entries[{term.input, term.exponent % n}] += term.exponent < n ? c : -c;
        }
        for (const auto& [place, c] : entries) {
            squares += c * c;
        }
        norm_1_ = std::max(norm_1_, sum);
        norm_2_ = std::max(norm_2_, std::sqrt(squares));
    }
}

/// Throws unless the inputs are of one kind that this map takes.
void SparseProduct::check(const Context& context, std::span<const Ciphertext> inputs) const {
    const Ring& ring = context.ring();
    if (inputs.size() != map_.inputs() || inputs.empty() || map_.n() != ring.n()) {
        throw Error("sparse product: expected " + std::to_string(map_.inputs()) + " ciphertexts of degree " +
                    std::to_string(map_.n()) + ", found " + std::to_string(inputs.size()) + " of degree " +
                    std::to_string(ring.n()));
    }
    const Ciphertext& first = inputs.front();
    for (const Ciphertext& input : inputs) {
        if (input.ring != ring.hash() || input.t != first.t || input.size() != first.size() ||
            input.limbs() != first.limbs() || input.form() != first.form()) {
            throw Error(
                "sparse product: the ciphertexts differ in parameters, t, size, level or form; bring them to "
                "one level and form first");
        }
        const bool whole =
            std::all_of(input.parts.begin(), input.parts.end(), [&](const RnsPolynomial& part) {
                return part.n() == ring.n() && part.limbs() == first.limbs() && part.form() == first.form();
            });
        if (!whole || input.size() < 2 || input.size() > max_ciphertext_parts || input.limbs() == 0 ||
            input.limbs() > ring.max_limbs()) {
            throw Error("sparse product: expected ciphertexts of 2 to " +
                        std::to_string(max_ciphertext_parts) + " parts with 1 ... " +
                        std::to_string(ring.max_limbs()) + " limbs each, all of one level and form");
        }
    }
    const bool transformed = first.form() == Form::ntt;
    const bool shifted_bias = std::any_of(bias_.begin(), bias_.end(), [&](const auto& terms) {
        return std::any_of(terms.begin(), terms.end(),
                           [&](const Monomial& term) { return term.exponent % ring.n() != 0; });
    });
    if (transformed && (!map_.is_scalar() || shifted_bias)) {
        throw Error(
            "sparse product: x^k with k > 0 needs coefficient form, found NTT form; call to_coefficients "
            "first");
    }
}

namespace {

/// An output of the same kind as `model`, its words to be written.
Ciphertext blank_like(const Ciphertext& model) {
    Ciphertext output;
    output.ring = model.ring;
    output.t = model.t;
    for (const RnsPolynomial& part : model.parts) {
        output.parts.push_back(RnsPolynomial::uninitialised(part.n(), part.limbs(), part.form()));
    }
    return output;
}

/// The sum of the terms modulo the binomial t. Coefficients of any size are written as digits first.
Plaintext plaintext_of(const std::vector<Monomial>& terms, const PlainModulus& t, std::size_t n) {
    Plaintext plaintext(n, t);
    for (const Monomial& term : terms) {
        const std::vector<std::int64_t> digits = balanced_digits(to_signed_mpz(term.coefficient), t, n);
        for (std::size_t j = 0; j < digits.size(); ++j) {
            const std::size_t exponent = (term.exponent + t.power() * j) % (2 * n);
            plaintext[exponent % n] += static_cast<std::uint64_t>(exponent < n ? digits[j] : -digits[j]);
        }
    }
    return plaintext;
}

}  // namespace

void SparseProduct::run(const Context& context, std::span<const Ciphertext> inputs,
                        std::span<Ciphertext> outputs, int threads, const std::stop_token& stop) const {
    const Ring& ring = context.ring();
    const Ciphertext& first = inputs.front();
    const std::size_t limbs = first.limbs();
    const bool transformed = first.form() == Form::ntt;
    const PlaintextSpace& space = context.plain_for(first.t);
    std::vector<SparseMap::Plane> planes;
    for (std::size_t part = 0; part < first.size(); ++part) {
        for (std::size_t i = 0; i < limbs; ++i) {
            SparseMap::Plane& plane = planes.emplace_back();
            plane.modulus = &ring.data().modulus(i);
            for (const Ciphertext& input : inputs) {
                plane.inputs.push_back(input.parts[part].limb(i));
            }
            for (Ciphertext& output : outputs) {
                plane.outputs.push_back(output.parts[part].limb(i));
            }
        }
    }
    map_.apply(ring.kernels(), planes, threads, stop);

    if (!first.t.is_integer()) {
        for (std::size_t j = 0; j < bias_.size(); ++j) {
            if (!bias_[j].empty()) {
                space.add_scaled(ring, plaintext_of(bias_[j], first.t, ring.n()), outputs[j].parts[0], false);
            }
        }
        return;
    }
    for (std::size_t j = 0; j < bias_.size(); ++j) {
        for (const Monomial& term : bias_[j]) {
            const bool wraps = term.exponent >= ring.n();
            const std::size_t position = wraps ? term.exponent - ring.n() : term.exponent;
            const Modulus& t = space.modulus();
            const std::uint64_t c = t.reduce_signed(term.coefficient);
            const std::uint64_t m = wraps ? t.negate(c) : c;
            for (std::size_t i = 0; i < limbs; ++i) {
                const Modulus& q = ring.data().modulus(i);
                const std::uint64_t scaled = space.scaled(ring, m, limbs, i);
                std::uint64_t* const limb = outputs[j].parts[0].limb(i);
                // A constant has the same value everywhere, so in NTT form it joins every word.
                for (std::size_t k = position; k < (transformed ? ring.n() : position + 1); ++k) {
                    limb[k] = q.add(limb[k], scaled);
                }
            }
        }
    }
}

std::vector<Ciphertext> SparseProduct::blank_outputs(const Ciphertext& model) const {
    std::vector<Ciphertext> outputs;
    for (std::size_t j = 0; j < map_.outputs(); ++j) {
        outputs.push_back(blank_like(model));
    }
    return outputs;
}

std::vector<Ciphertext> SparseProduct::apply(const Context& context, std::span<const Ciphertext> inputs,
                                             int threads) const {
    check(context, inputs);
    std::vector<Ciphertext> outputs = blank_outputs(inputs.front());
    run(context, inputs, outputs, threads, {});
    return outputs;
}

void SparseProduct::transform(const Context& context, std::vector<Ciphertext>& values, int threads,
                              const std::stop_token& stop) const {
    check(context, values);
    if (!map_.works_in_place()) {
        std::vector<Ciphertext> outputs = blank_outputs(values.front());
        run(context, values, outputs, threads, stop);
        values = std::move(outputs);
        return;
    }
    while (values.size() < map_.outputs()) {
        values.push_back(blank_like(values.front()));
    }
    const std::span<Ciphertext> all(values);
    run(context, all.first(map_.inputs()), all.first(map_.outputs()), threads, stop);
    values.resize(map_.outputs());
}

}  // namespace lacuna
