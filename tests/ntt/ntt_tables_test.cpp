// SPDX-License-Identifier: Apache-2.0
//
// The transforms of every kernel against their definition, a schoolbook product and NTL.
#include <lacuna/ntt/ntt_tables.h>

#include <bit>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <NTL/ZZ.h>
#include <NTL/ZZ_pX.h>
#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include <lacuna/ntt/primes.h>

namespace lacuna {

namespace {

using Word = std::uint64_t;

std::vector<const Kernels*> supported_kernels() {
    std::vector<const Kernels*> kernels;
    for (const Kernels* candidate : all_kernels()) {
        if (candidate->supported()) {
            kernels.push_back(candidate);
        }
    }
    return kernels;
}

Buffer random_polynomial(std::size_t n, const Modulus& q, std::mt19937_64& engine) {
    Buffer a(n);
    for (std::size_t i = 0; i < n; ++i) {
        a[i] = engine() % q.value();
    }
    return a;
}

/// The product modulo x^n + 1 by its definition.
Buffer schoolbook(const Buffer& a, const Buffer& b, const Modulus& q) {
    const std::size_t n = a.size();
    Buffer product(n);
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
            const Word term = q.multiply(a[i], b[j]);
            Word& word = product[(i + j) % n];
            word = i + j < n ? q.add(word, term) : q.subtract(word, term);
        }
    }
    return product;
}

/// The same by NTL.
Buffer product_by_ntl(const Buffer& a, const Buffer& b, const Modulus& q) {
    const auto n = static_cast<long>(a.size());
    NTL::ZZ_pPush push(NTL::conv<NTL::ZZ>(static_cast<unsigned long>(q.value())));
    NTL::ZZ_pX x;
    NTL::ZZ_pX y;
    NTL::ZZ_pX modulus;
    NTL::SetCoeff(modulus, n);
    NTL::SetCoeff(modulus, 0);
    for (long i = 0; i < n; ++i) {
        NTL::SetCoeff(x, i, NTL::conv<NTL::ZZ_p>(static_cast<unsigned long>(a[static_cast<std::size_t>(i)])));
        NTL::SetCoeff(y, i, NTL::conv<NTL::ZZ_p>(static_cast<unsigned long>(b[static_cast<std::size_t>(i)])));
    }
    const NTL::ZZ_pX product = NTL::MulMod(x, y, modulus);
    Buffer words(a.size());
    for (long i = 0; i < n; ++i) {
        words[static_cast<std::size_t>(i)] = NTL::conv<unsigned long>(NTL::rep(NTL::coeff(product, i)));
    }
    return words;
}

void expect_equal(const Buffer& expected, const Buffer& found) {
    ASSERT_EQ(expected.size(), found.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_EQ(expected[i], found[i]) << "at " << i;
    }
}

class NttTest : public ::testing::TestWithParam<std::tuple<const Kernels*, std::size_t>> {
  protected:
    const Kernels& kernels() const { return *std::get<0>(GetParam()); }
    std::size_t n() const { return std::get<1>(GetParam()); }

    std::vector<Modulus> moduli() const {
        std::vector<Modulus> moduli;
        for (const int bits : {20, 25, 32, 40, 45, 49, 50}) {
            moduli.emplace_back(ntt_primes(n(), bits, 1).front());
        }
        return moduli;
    }

    Buffer product(const Buffer& a, const Buffer& b, const NttTables& tables) const {
        Buffer x = a;
        Buffer y = b;
        tables.forward(x.span());
        tables.forward(y.span());
        kernels().multiply(x.data(), x.data(), y.data(), n(), tables.modulus());
        tables.inverse(x.span());
        return x;
    }

    std::mt19937_64 engine_{7};
};

TEST_P(NttTest, WordsAreValuesAtOddPowersOfTheRoot) {
    for (const Modulus& q : moduli()) {
        const NttTables tables(n(), q, kernels());
        const Buffer a = random_polynomial(n(), q, engine_);
        Buffer transformed = a;
        tables.forward(transformed.span());
        const int log_n = std::countr_zero(n());
        for (int sample = 0; sample < 16; ++sample) {
            const auto j = static_cast<std::uint32_t>(sample == 0   ? 0
                                                      : sample == 1 ? n() - 1
                                                                    : engine_() % n());
            const Word point = q.power(tables.root(), 2 * reverse_bits(j, log_n) + 1);
            Word value = 0;
            for (std::size_t i = n(); i-- > 0;) {
                value = q.add(q.multiply(value, point), a[i]);
            }
            ASSERT_EQ(transformed[j], value) << "word " << j << ", q = " << q.value();
        }
    }
}

TEST_P(NttTest, InverseUndoesForwardFromEveryLazyRange) {
    for (const Modulus& q : moduli()) {
        const NttTables tables(n(), q, kernels());
        const Buffer a = random_polynomial(n(), q, engine_);
        Buffer lazy = a;
        for (std::size_t i = 0; i < n(); ++i) {
            lazy[i] += engine_() % 4 * q.value();
        }
        tables.forward(lazy.span());
        for (std::size_t i = 0; i < n(); ++i) {
            ASSERT_LT(lazy[i], q.value());
            lazy[i] += engine_() % 2 * q.value();
        }
        tables.inverse(lazy.span());
        expect_equal(a, lazy);
    }
}

TEST_P(NttTest, MultipliesModuloXnPlusOne) {
    for (const Modulus& q : moduli()) {
        const NttTables tables(n(), q, kernels());
        const Buffer a = random_polynomial(n(), q, engine_);
        const Buffer b = random_polynomial(n(), q, engine_);
        const Buffer found = product(a, b, tables);
        if (n() <= 512) {
            expect_equal(schoolbook(a, b, q), found);
        }
        expect_equal(product_by_ntl(a, b, q), found);
    }
}

TEST_P(NttTest, ExtremeCoefficients) {
    for (const Modulus& q : moduli()) {
        const NttTables tables(n(), q, kernels());
        for (const Word value : {Word{0}, Word{1}, q.value() - 1}) {
            Buffer a(n());
            std::fill(a.span().begin(), a.span().end(), value);
            expect_equal(product_by_ntl(a, a, q), product(a, a, tables));
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Supported, NttTest,
                         ::testing::Combine(::testing::ValuesIn(supported_kernels()),
                                            ::testing::Values(16, 32, 64, 128, 256, 512, 1024, 2048, 4096,
                                                              8192, 16384, 32768)),
                         [](const auto& info) {
                             return std::string(std::get<0>(info.param)->name) + "_" +
                                    std::to_string(std::get<1>(info.param));
                         });

TEST(NttTables, RefuseOtherSizesAndModuli) {
    const Modulus q(ntt_primes(1024, 30, 1).front());
    EXPECT_THROW(NttTables(8, q), Error);
    EXPECT_THROW(NttTables(1000, q), Error);
    EXPECT_THROW(NttTables(65536, q), Error);
    EXPECT_THROW(NttTables(1024, Modulus(257)), Error);
    EXPECT_NO_THROW(NttTables(1024, q));
}

}  // namespace

}  // namespace lacuna
