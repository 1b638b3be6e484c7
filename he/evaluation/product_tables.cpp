// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/evaluation/product_tables.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include <lacuna/ntt/error.h>
#include <lacuna/ntt/primes.h>

namespace lacuna {

namespace {

std::vector<Modulus> first_moduli(const RnsBasis& basis, std::size_t count) {
    std::vector<Modulus> moduli;
    for (std::size_t i = 0; i < count; ++i) {
        moduli.push_back(basis.modulus(i));
    }
    return moduli;
}

/// n q growth (1 + 2^-30): the product of helper primes has to exceed it.
mpz_class helpers_needed(const mpz_class& q, std::size_t n, std::uint64_t growth) {
    const mpz_class needed = q * to_mpz(n) * to_mpz(growth);
    return needed + (needed >> 30);
}

/// t(x) modulo the first primes of a basis, NTT form.
RnsPolynomial values_over(const RnsBasis& basis, std::size_t count, const PlainModulus& t) {
    RnsPolynomial values(basis.n(), count, Form::coefficient);
    for (std::size_t i = 0; i < count; ++i) {
        const NttTables& tables = basis.tables(i);
        values.limb(i)[0] = tables.modulus().reduce_signed(-t.base());
        values.limb(i)[t.power()] = 1;
        tables.forward(values.limb_span(i));
    }
    values.set_form(Form::ntt);
    return values;
}

}  // namespace

namespace {

/// What a product can grow by at most, three summands and a binomial included.
constexpr std::uint64_t most_growth = std::uint64_t{2} * max_plain_base;

}  // namespace

HelperPrimes::HelperPrimes(const Ring& ring) {
    std::vector<std::uint64_t> taken;
    for (std::size_t i = 0; i < ring.key_basis().size(); ++i) {
        taken.push_back(ring.key_basis().modulus(i).value());
    }
    std::vector<std::uint64_t> helpers;
    mpz_class product = 1;
    const mpz_class needed = helpers_needed(ring.data().product(), ring.n(), most_growth);
    while (product <= needed) {
        helpers.push_back(ntt_primes(ring.n(), max_modulus_bits, 1, taken).front());
        taken.push_back(helpers.back());
        product *= to_mpz(helpers.back());
    }
    basis_ = RnsBasis(ring.n(), helpers, ring.kernels());
    for (std::size_t l = 1; l <= ring.max_limbs(); ++l) {
        converters_.emplace_back(first_moduli(ring.data(), l),
                                 first_moduli(basis_, count(ring, l, most_growth)), ring.kernels());
    }
}

std::size_t HelperPrimes::count(const Ring& ring, std::size_t limbs, std::uint64_t growth) const {
    const mpz_class needed = helpers_needed(ring.data().prefix(limbs).product(), ring.n(), growth);
    mpz_class product = 1;
    std::size_t count = 0;
    while (product <= needed) {
        product *= to_mpz(basis_.modulus(count++).value());
    }
    return count;
}

ProductSpace::ProductSpace(const Ring& ring, const HelperPrimes& helpers, const PlainModulus& t) : t_(t) {
    const std::uint64_t growth = t.is_integer() ? 1 : static_cast<std::uint64_t>(std::abs(t.base())) + 1;
    const mpz_class factor = t.is_integer() ? to_mpz(t.value()) : mpz_class(1);
    for (std::size_t l = 1; l <= ring.max_limbs(); ++l) {
        const std::vector<Modulus> data = first_moduli(ring.data(), l);
        for (std::size_t three = 0; three < 2; ++three) {
            // A part of a square of three parts sums up to three products, where HelperPrimes counts two.
            helper_counts_[three].push_back(helpers.count(ring, l, std::min(growth << three, most_growth)));
            const std::vector<Modulus> auxiliary =
                first_moduli(helpers.basis(), helper_counts_[three].back());
            for (std::size_t drop = 0; drop < std::min<std::size_t>(2, l); ++drop) {
                scalers_[three][drop].emplace_back(data, auxiliary, factor, drop, ring.kernels());
            }
        }
    }
    if (!t.is_integer()) {
        data_values_ = values_over(ring.data(), ring.max_limbs(), t);
        helper_values_ = values_over(helpers.basis(), helper_counts_.back().back(), t);
    }
}

ProductTables::ProductTables(const Context& context) : helpers_(context.ring()) {
    for (std::size_t i = 0; i < context.plain_count(); ++i) {
        spaces_.emplace_back(context.ring(), helpers_, context.plain(i).t());
    }
}

const ProductSpace& ProductTables::space(const PlainModulus& t) const {
    for (const ProductSpace& space : spaces_) {
        if (space.t() == t) {
            return space;
        }
    }
    throw Error("multiply: the context has no plaintext modulus " + to_string(t) +
                "; the ciphertext was made under other parameters");
}

}  // namespace lacuna
