// SPDX-License-Identifier: Apache-2.0
//
// The codec alone: values modulo p against digits, by the definition of a slot as the value at a root.
#include <lacuna/he/fv/slot_codec.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include <lacuna/ntt/gmp_words.h>
#include "tests/support/residues.h"
#include "tests/support/slot_settings.h"

namespace lacuna::testing {
namespace {

template <std::size_t Words>
mpz_class integer_of(const std::uint64_t* words) {
    mpz_class value = 0;
    for (std::size_t w = Words; w-- > 0;) {
        value = (value << 64) + to_mpz(words[w]);
    }
    return value;
}

template <std::size_t Words>
void check(const SlotSetting& setting) {
    const auto& [n, k, b] = setting;
    const PlainModulus t = PlainModulus::binomial(k, b);
    const mpz_class p = slot_modulus(t, n);
    SCOPED_TRACE("n = " + std::to_string(n) + ", " + to_string(t));
    const SlotCodec<Words> codec(n, t, p, active_kernels());
    std::mt19937_64 random(n + k);
    std::vector<std::uint64_t> values(k * Words);
    for (std::size_t j = 0; j < k; ++j) {
        mpz_class value = j == 0 ? mpz_class(p - 1) : j == 1 ? mpz_class(p / 2) : random_below(p, random);
        for (std::size_t w = 0; w < Words; ++w) {
            values[j * Words + w] = to_word(value);
            value >>= 64;
        }
    }
    std::vector<std::uint64_t> digits(n);
    codec.encode(values, digits.data());
    std::vector<std::uint64_t> decoded(k * Words);
    codec.decode(digits.data(), decoded);
    EXPECT_EQ(decoded, values);

    // x itself has zeta in slot 0; slot j of any polynomial is its value at zeta^((1 + 2 n/k)^j).
    std::vector<std::uint64_t> x(n);
    x[1] = 1;
    codec.decode(x.data(), decoded);
    const mpz_class zeta = integer_of<Words>(decoded.data());
    std::uint64_t exponent = 1;
    for (std::size_t j = 0; j < k; ++j, exponent = exponent * (1 + 2 * n / k) % (2 * n)) {
        if (j > 3 && j + 1 < k) {
            continue;  // a few and the last: Horner's rule has n steps for each
        }
        mpz_class at;
        mpz_powm(at.get_mpz_t(), zeta.get_mpz_t(), to_mpz(exponent).get_mpz_t(), p.get_mpz_t());
        mpz_class value = 0;
        for (std::size_t i = n; i-- > 0;) {
            ASSERT_LE(std::abs(static_cast<std::int64_t>(digits[i])), t.coefficient_bound());
            value = (value * at + to_signed_mpz(static_cast<std::int64_t>(digits[i]))) % p;
        }
        EXPECT_EQ(centred(value, p), centred(integer_of<Words>(&values[j * Words]), p)) << "slot " << j;
    }

    // Words in and out.
    for (const std::int64_t word :
         {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{12345},
          std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
        const auto reduced = codec.reduced(word);
        EXPECT_EQ(integer_of<Words>(reduced.data()), mpz_class((to_signed_mpz(word) % p + p) % p));
        std::uint64_t wide = 0;
        const mpz_class expected = centred(to_signed_mpz(word), p);
        const std::int64_t found = codec.centred(reduced, wide);
        if (mpz_sizeinbase(expected.get_mpz_t(), 2) <= 63) {
            EXPECT_EQ(wide, 0U) << word;
            EXPECT_EQ(to_signed_mpz(found), expected) << word;
        } else {
            EXPECT_NE(wide, 0U) << word;
        }
    }
}

TEST(SlotCodec, SlotsAreValuesAtTheRoots) {
    for (const SlotSetting& setting : slot_settings()) {
        if (setting.k == 1 || setting.n > 8192) {
            continue;  // one slot takes no codec
        }
        const std::size_t bits = mpz_sizeinbase(
            slot_modulus(PlainModulus::binomial(setting.k, setting.b), setting.n).get_mpz_t(), 2);
        // In as few words as hold p, and where the kernels do not take it, in more than that.
        if (bits <= 61) {
            check<1>(setting);
        }
        if (bits > 50 && bits <= 125) {
            check<2>(setting);
        }
        if (bits > 50) {
            check<3>(setting);
        }
    }
}

TEST(SlotCodec, RefusesPrimesThatItsWordsDoNotSuit) {
    const PlainModulus narrow = PlainModulus::binomial(16, 160);  // 30 bits
    EXPECT_THROW((SlotCodec<2>(64, narrow, slot_modulus(narrow, 64), active_kernels())), Error);
    const PlainModulus wide = PlainModulus::binomial(1024, 132);  // 57 bits
    EXPECT_NO_THROW((SlotCodec<1>(8192, wide, slot_modulus(wide, 8192), active_kernels())));
    const PlainModulus wider = PlainModulus::binomial(2048, 680);  // 76 bits
    EXPECT_THROW((SlotCodec<1>(16384, wider, slot_modulus(wider, 16384), active_kernels())), Error);
}

}  // namespace
}  // namespace lacuna::testing
