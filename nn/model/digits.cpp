// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/digits.h>

#include <lacuna/ntt/error.h>

namespace lacuna {

std::vector<Digit> binary_digits(const mpz_class& value) {
    if (value < 0) {
        throw Error("binary digits: expected an integer of at least 0, found " + value.get_str() +
                    "; use the non-adjacent form for signed values");
    }
    std::vector<Digit> digits;
    for (mp_bitcnt_t bit = mpz_scan1(value.get_mpz_t(), 0); bit != ~mp_bitcnt_t{0};
         bit = mpz_scan1(value.get_mpz_t(), bit + 1)) {
        digits.push_back({static_cast<std::size_t>(bit), 1});
    }
    return digits;
}

std::vector<Digit> naf(const mpz_class& value) {
    // 3v - v = 2v, so digit i of v is bit i + 1 of 3v minus bit i + 1 of v (Prodinger 2000): non-zero where
    // the two differ, negative where the bit of v is the set one.
    const mpz_class magnitude = abs(value);
    const mpz_class triple = 3 * magnitude;
    const mpz_class nonzero = triple ^ magnitude;
    std::vector<Digit> digits;
    for (mp_bitcnt_t bit = mpz_scan1(nonzero.get_mpz_t(), 1); bit != ~mp_bitcnt_t{0};
         bit = mpz_scan1(nonzero.get_mpz_t(), bit + 1)) {
        const bool negative = mpz_tstbit(magnitude.get_mpz_t(), bit) != 0;
        digits.push_back({static_cast<std::size_t>(bit - 1), negative == (value < 0) ? 1 : -1});
    }
    return digits;
}

mpz_class evaluate_at_two(std::span<const mpz_class> coefficients) {
    mpz_class value;
    for (std::size_t i = coefficients.size(); i-- > 0;) {
        value = 2 * value + coefficients[i];
    }
    return value;
}

}  // namespace lacuna
