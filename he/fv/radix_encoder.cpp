// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/radix_encoder.h>

#include <cmath>
#include <string>

#include <lacuna/ntt/error.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

RadixEncoder::RadixEncoder(const Context& context, std::size_t plain_index, std::size_t fraction_bits)
    : space_(context.shared_plain(plain_index)), n_(context.n()), fraction_bits_(fraction_bits) {
    if (fraction_bits >= n_) {
        throw Error("radix encoder: expected fewer than n = " + std::to_string(n_) +
                    " fraction bits, found " + std::to_string(fraction_bits));
    }
}

Plaintext RadixEncoder::encode_scaled(const mpz_class& scaled) const {
    if (scaled != 0 && mpz_sizeinbase(scaled.get_mpz_t(), 2) > n_) {
        throw Error("radix encoder: the number has more binary digits than the " + std::to_string(n_) +
                    " coefficients hold");
    }
    const std::uint64_t t = space_->modulus().value();
    const bool negative = scaled < 0;
    const mpz_class magnitude = abs(scaled);
    Plaintext plaintext(n_, t);
    for (std::size_t bit = 0; bit < n_; ++bit) {
        if (mpz_tstbit(magnitude.get_mpz_t(), bit) == 0) {
            continue;
        }
        // Digit i >= 0 is x^i, digit -i is -x^(n-i).
        const bool fraction = bit < fraction_bits_;
        plaintext[fraction ? n_ - fraction_bits_ + bit : bit - fraction_bits_] =
            fraction != negative ? t - 1 : 1;
    }
    return plaintext;
}

Plaintext RadixEncoder::encode(const mpz_class& value) const {
    return encode_scaled(value << fraction_bits_);
}

Plaintext RadixEncoder::encode(double value) const {
    if (!std::isfinite(value)) {
        throw Error("radix encoder: expected a finite number");
    }
    mpf_class scaled(value, 64);
    mpf_mul_2exp(scaled.get_mpf_t(), scaled.get_mpf_t(), fraction_bits_);
    return encode_scaled(mpz_class(scaled));
}

mpz_class RadixEncoder::decode_scaled(const Plaintext& plaintext) const {
    if (plaintext.n() != n_ || plaintext.t() != space_->t()) {
        throw Error("radix encoder: expected a plaintext of " + std::to_string(n_) + " coefficients modulo " +
                    to_string(space_->t()) + ", found " + std::to_string(plaintext.n()) + " modulo " +
                    to_string(plaintext.t()));
    }
    mpz_class value = 0;
    const auto digit = [&](std::size_t i) { return to_signed_mpz(space_->modulus().centre(plaintext[i])); };
    for (std::size_t i = n_ - fraction_bits_; i-- > 0;) {
        value = 2 * value + digit(i);
    }
    value <<= fraction_bits_;
    for (std::size_t i = 0; i < fraction_bits_; ++i) {
        value -= digit(n_ - fraction_bits_ + i) << i;
    }
    return value;
}

mpz_class RadixEncoder::decode(const Plaintext& plaintext) const {
    mpz_class value;
    const mpz_class scaled = decode_scaled(plaintext);
    mpz_fdiv_q_2exp(value.get_mpz_t(), scaled.get_mpz_t(), fraction_bits_);
    return value;
}

double RadixEncoder::decode_fixed(const Plaintext& plaintext) const {
    mpq_class value(decode_scaled(plaintext), mpz_class(1) << fraction_bits_);
    value.canonicalize();
    return value.get_d();
}

}  // namespace lacuna
