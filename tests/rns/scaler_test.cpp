// SPDX-License-Identifier: Apache-2.0
//
// Scaling against exact rounding. The fixed-point fractions may decide a rounding the other way only where
// the exact quotient lies within L 2^-51 of a half-integer; everywhere else the residues must be the exact
// ones.
#include <lacuna/rns/scaler.h>

#include <gtest/gtest.h>

#include "tests/support/residues.h"

namespace lacuna::testing {
namespace {

/// round(a / b), and the other candidate where a / b is within `tolerance` 2^-51 of a half-integer.
struct Rounding {
    mpz_class nearest;
    mpz_class other;
    Rounding(const mpz_class& a, const mpz_class& b, std::size_t tolerance) {
        const mpz_class twice = 2 * a + b;
        nearest = floor_divide(twice, 2 * b);
        const mpz_class remainder = twice - nearest * 2 * b;  // 0 ... 2b, a half-integer at either end
        const mpz_class margin = ((2 * b * tolerance) >> 51) + 1;
        other = nearest + (remainder <= margin ? -1 : 2 * b - remainder <= margin ? 1 : 0);
    }
    void expect(const std::vector<std::uint64_t>& found, const std::vector<std::uint64_t>& moduli) const {
        ASSERT_TRUE(found == residues_of(nearest, moduli) || found == residues_of(other, moduli))
            << "expected " << nearest << (other == nearest ? "" : " or " + other.get_str());
    }
};

void fill(std::vector<mpz_class>& values, const mpz_class& low, const mpz_class& high, std::size_t count,
          std::mt19937_64& random) {
    for (mpz_class& value : values) {
        value = value < low ? mpz_class(low) : value > high ? mpz_class(high) : value;
    }
    while (values.size() < count || values.size() % 16 != 0) {
        values.push_back(low + random_below(high - low + 1, random));
    }
}

const std::vector<std::uint64_t>& plain_moduli() {
    static const std::vector<std::uint64_t> all = {2,
                                                   3,
                                                   256,
                                                   12289,
                                                   65537,
                                                   (std::uint64_t{1} << 30) - 35,
                                                   (std::uint64_t{1} << 49) - 81,
                                                   std::uint64_t{1} << 49};
    return all;
}

struct Chain {
    std::vector<int> q;
    std::vector<int> p;
};

TEST(Scaler, RoundsAsExactArithmeticDoes) {
    const std::vector<Chain> chains = {
        {{50}, {50}},
        {{50}, {50, 50}},
        {{20}, {50}},
        {{50, 50, 50}, {50, 50, 50, 50}},
        {{50, 50, 50, 32}, {50, 50, 50, 50, 50}},
        {{33, 20, 45, 12, 50}, {49, 50, 50, 48}},
        {std::vector<int>(17, 50), std::vector<int>(18, 50)},
        {std::vector<int>(29, 50), std::vector<int>(30, 50)},
    };
    std::mt19937_64 random(2);
    for (const Chain& chain : chains) {
        const std::vector<std::uint64_t> q = primes_of(16, chain.q);
        const std::vector<std::uint64_t> p = primes_of(16, chain.p, q);
        std::vector<std::uint64_t> all = q;
        all.insert(all.end(), p.begin(), p.end());
        const mpz_class big_q = product_of(q);
        // |z| < (1 - 2^-40) QP / 2
        const mpz_class whole = product_of(all);
        const mpz_class bound = (whole - (whole >> 40)) / 2 - 1;
        for (const std::uint64_t t : plain_moduli()) {
            const mpz_class step = big_q / to_mpz(t);
            std::vector<mpz_class> values = {
                0,     1,      -1,        bound,     -bound,        bound - 1,  1 - bound,
                big_q, -big_q, big_q - 1, big_q / 2, big_q / 2 + 1, -big_q / 2, bound / 2};
            for (const mpz_class& k : {mpz_class(1), mpz_class(7), mpz_class(bound / (step + 1))}) {
                for (int d = -2; d <= 2; ++d) {  // round half-integers
                    values.push_back((2 * k + 1) * big_q / (2 * to_mpz(t)) + d);
                    values.push_back(-(2 * k + 1) * big_q / (2 * to_mpz(t)) + d);
                }
            }
            fill(values, -bound, bound, 300, random);
            for (std::size_t drop = 0; drop < std::min<std::size_t>(2, q.size()); ++drop) {
                const Scaler scaler(moduli_of(q), moduli_of(p), to_mpz(t), drop, active_kernels());
                const std::vector<std::uint64_t> kept(q.begin(), q.end() - static_cast<std::ptrdiff_t>(drop));
                const mpz_class divisor = drop == 0 ? big_q : mpz_class(big_q * to_mpz(q.back()));
                // y_i = z_i times a factor of the i-th modulus alone.
                Rows y(all, values);
                for (std::size_t i = 0; i < all.size(); ++i) {
                    active_kernels().multiply_scalar(y.targets()[i], y.sources()[i], values.size(),
                                                     ShoupFactor(scaler.factor(i), Modulus(all[i])),
                                                     Modulus(all[i]));
                }
                Rows out(kept, values.size());
                scaler.scale(y.sources(), out.targets(), values.size());
                for (std::size_t j = 0; j < values.size(); ++j) {
                    const Rounding expected(to_mpz(t) * values[j], divisor,
                                            drop == 0 ? q.size() : all.size() + 1);
                    ASSERT_NO_FATAL_FAILURE(expected.expect(out.column(j), kept))
                        << "t = " << t << ", z = " << values[j] << ", drop = " << drop;
                }
            }
        }
    }
}

TEST(ScalerToPlain, RoundsAsExactArithmeticDoes) {
    const std::vector<std::vector<int>> chains = {{50},
                                                  {20},
                                                  {50, 50},
                                                  {50, 50, 50, 32},
                                                  {33, 20, 45, 12, 50},
                                                  std::vector<int>(17, 50),
                                                  std::vector<int>(48, 50)};
    std::mt19937_64 random(3);
    for (const std::vector<int>& chain : chains) {
        const std::vector<std::uint64_t> q = primes_of(16, chain);
        const mpz_class big_q = product_of(q);
        for (const std::uint64_t t : plain_moduli()) {
            std::vector<mpz_class> values = {0, 1, big_q - 1, big_q / 2, big_q / 2 + 1};
            for (std::uint64_t k = 0; k < 40; ++k) {  // the edges of the first and last messages
                for (int d = -2; d <= 2; ++d) {
                    values.push_back((2 * to_mpz(k) + 1) * big_q / (2 * to_mpz(t)) + d);
                    values.push_back(big_q - (2 * to_mpz(k) + 1) * big_q / (2 * to_mpz(t)) + d);
                }
            }
            fill(values, 0, big_q - 1, 600, random);
            const ScalerToPlain scaler(moduli_of(q), Modulus(t), active_kernels());
            const Rows z(q, values);
            Buffer out(values.size());
            scaler.scale(z.sources(), out.data(), values.size());
            for (std::size_t j = 0; j < values.size(); ++j) {
                const Rounding expected(to_mpz(t) * values[j], big_q, q.size());
                ASSERT_NO_FATAL_FAILURE(expected.expect({out[j]}, {t}))
                    << "t = " << t << ", z = " << values[j];
            }
        }
    }
}

TEST(Divider, RoundsAsExactArithmeticDoes) {
    const std::vector<Chain> chains = {
        {{50}, {50}},
        {{50}, {50, 50, 32}},
        {{12}, {50, 20}},
        {{20, 50}, {50, 50, 50}},
        {{50, 50, 50}, {50, 50, 45}},
        {{50, 33, 47, 12}, {20, 50, 50, 50, 50}},
        {{50, 50, 50, 50}, std::vector<int>(16, 50)},
    };
    std::mt19937_64 random(4);
    for (const Chain& chain : chains) {
        const std::vector<std::uint64_t> dropped = primes_of(16, chain.q);
        const std::vector<std::uint64_t> kept = primes_of(16, chain.p, dropped);
        std::vector<std::uint64_t> all = dropped;
        all.insert(all.end(), kept.begin(), kept.end());
        const mpz_class d = product_of(dropped);
        const mpz_class whole = product_of(all);
        std::vector<mpz_class> values = {0, 1, whole - 1, d, d - 1, d / 2, d / 2 + 1, d / 2 - 1};
        for (int k = 0; k < 20; ++k) {
            const mpz_class multiple = d * random_below(whole / d, random);
            for (int e = -2; e <= 2; ++e) {
                values.push_back(multiple + d / 2 + e);
                values.push_back(multiple + e);
            }
        }
        fill(values, 0, whole - 1, 528, random);
        const Divider divider(moduli_of(dropped), moduli_of(kept), active_kernels());
        const Rows z(dropped, values);
        Rows out(kept, values);
        divider.divide(z.sources(), out.targets(), values.size());
        for (std::size_t j = 0; j < values.size(); ++j) {
            // One dropped prime is exact; the tolerance below 1 leaves the exact rounding alone.
            const Rounding expected(values[j], d, dropped.size() == 1 ? 0 : 2 * dropped.size());
            if (dropped.size() == 1) {
                ASSERT_EQ(out.column(j), residues_of(expected.nearest, kept)) << "z = " << values[j];
            } else {
                ASSERT_NO_FATAL_FAILURE(expected.expect(out.column(j), kept)) << "z = " << values[j];
            }
        }
        // Fewer kept limbs.
        Rows first(kept, values);
        divider.divide(z.sources(), std::vector<std::uint64_t*>{first.targets().front()}, values.size());
        for (std::size_t j = 0; j < values.size(); ++j) {
            ASSERT_EQ(first.column(j).front(), out.column(j).front());
        }
    }
}

}  // namespace
}  // namespace lacuna::testing
