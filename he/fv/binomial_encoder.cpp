// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/binomial_encoder.h>

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>

#include <lacuna/ntt/error.h>
#include <lacuna/ntt/gmp_words.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

namespace {

constexpr int primality_rounds = 32;

template <typename Codec>
inline constexpr std::size_t words_of = std::tuple_size_v<typename Codec::Value>;

std::vector<std::int64_t> coefficients_of(const Plaintext& plaintext, std::size_t step) {
    std::vector<std::int64_t> digits;
    for (std::size_t j = 0; j < plaintext.n(); j += step) {
        digits.push_back(plaintext.centred(j));
    }
    return digits;
}

constexpr const char* too_wide =
    "binomial encoder: a slot holds a number of more than 63 bits; decode it as mpz_class";

std::int64_t word_in_range(const mpz_class& value) {
    if (mpz_sizeinbase(value.get_mpz_t(), 2) > 63) {
        throw Error(too_wide);
    }
    const auto magnitude = static_cast<std::int64_t>(to_word(abs(value)));
    return value < 0 ? -magnitude : magnitude;
}

}  // namespace

BinomialEncoder::BinomialEncoder(const Context& context, std::size_t plain_index)
    : space_(context.shared_plain(plain_index)), n_(context.n()) {
    const PlainModulus& t = space_->t();
    if (t.is_integer()) {
        throw Error("binomial encoder: expected a plaintext modulus x^k - b, found the integer " +
                    to_string(t) + "; use a BatchEncoder, or give plain_polynomials");
    }
    if (t.power() == 1) {
        return;
    }
    const mpz_class& p = modulus();
    const std::size_t bits = mpz_sizeinbase(p.get_mpz_t(), 2);
    if (bits > max_slot_bits || mpz_fdiv_ui(p.get_mpz_t(), 2 * n_) != 1 ||
        mpz_probab_prime_p(p.get_mpz_t(), primality_rounds) == 0) {
        throw Error("binomial encoder: modulo " + to_string(t) + " there are no " +
                    std::to_string(t.power()) + " slots: expected b^(n/k) + 1 to be a prime of at most " +
                    std::to_string(max_slot_bits) + " bits that is 1 modulo 2n, found one of " +
                    std::to_string(bits) + " bits that is not; choose another base");
    }
    const Kernels& kernels = context.ring().kernels();
    const std::size_t words = (bits + 3 + 63) / 64;
    if (words == 1) {
        codec_.emplace<SlotCodec<1>>(n_, t, p, kernels);
    } else if (words == 2) {
        codec_.emplace<SlotCodec<2>>(n_, t, p, kernels);
    } else if (words == 3) {
        codec_.emplace<SlotCodec<3>>(n_, t, p, kernels);
    } else if (words == 4) {
        codec_.emplace<SlotCodec<4>>(n_, t, p, kernels);
    } else {
        codec_.emplace<SlotCodec<8>>(n_, t, p, kernels);
    }
}

void BinomialEncoder::check_count(std::size_t count) const {
    if (count > slots()) {
        throw Error("binomial encoder: expected at most " + std::to_string(slots()) + " values, found " +
                    std::to_string(count) + "; spread them over several plaintexts");
    }
}

void BinomialEncoder::check(const Plaintext& plaintext) const {
    if (plaintext.n() != n_ || plaintext.t() != space_->t()) {
        throw Error("binomial encoder: expected a plaintext of " + std::to_string(n_) +
                    " coefficients modulo " + to_string(space_->t()) + ", found " +
                    std::to_string(plaintext.n()) + " modulo " + to_string(plaintext.t()));
    }
    check_coefficients("binomial encoder", plaintext);
}

Plaintext BinomialEncoder::encode(std::span<const std::int64_t> values) const {
    check_count(values.size());
    return std::visit(
        [&](const auto& codec) {
            using Codec = std::decay_t<decltype(codec)>;
            if constexpr (std::is_same_v<Codec, std::monostate>) {
                return encode_constant(values.empty() ? mpz_class(0) : to_signed_mpz(values.front()));
            } else {
                constexpr std::size_t words = words_of<Codec>;
                Buffer slots(words * this->slots(), Secrecy::secret);
                for (std::size_t j = 0; j < values.size(); ++j) {
                    const auto value = codec.reduced(values[j]);
                    std::copy_n(value.begin(), words, slots.data() + words * j);
                }
                Plaintext plaintext(n_, space_->t());
                codec.encode(slots.span(), plaintext.data());
                return plaintext;
            }
        },
        codec_);
}

Plaintext BinomialEncoder::encode(std::span<const mpz_class> values) const {
    check_count(values.size());
    return std::visit(
        [&](const auto& codec) {
            using Codec = std::decay_t<decltype(codec)>;
            if constexpr (std::is_same_v<Codec, std::monostate>) {
                return encode_constant(values.empty() ? mpz_class(0) : values.front());
            } else {
                constexpr std::size_t words = words_of<Codec>;
                Buffer slots(words * this->slots(), Secrecy::secret);
                mpz_class rest;
                for (std::size_t j = 0; j < values.size(); ++j) {
                    mpz_fdiv_r(rest.get_mpz_t(), values[j].get_mpz_t(), modulus().get_mpz_t());
                    mpz_export(slots.data() + words * j, nullptr, -1, sizeof(std::uint64_t), 0, 0,
                               rest.get_mpz_t());
                }
                Plaintext plaintext(n_, space_->t());
                codec.encode(slots.span(), plaintext.data());
                return plaintext;
            }
        },
        codec_);
}

Plaintext BinomialEncoder::encode_constant(const mpz_class& value) const {
    const PlainModulus& t = space_->t();
    const std::vector<std::int64_t> digits = balanced_digits(value, t, n_);
    Plaintext plaintext(n_, t);
    for (std::size_t j = 0; j < digits.size(); ++j) {
        plaintext[t.power() * j] = static_cast<std::uint64_t>(digits[j]);
    }
    return plaintext;
}

std::vector<mpz_class> BinomialEncoder::decode(const Plaintext& plaintext) const {
    check(plaintext);
    return std::visit(
        [&](const auto& codec) -> std::vector<mpz_class> {
            using Codec = std::decay_t<decltype(codec)>;
            if constexpr (std::is_same_v<Codec, std::monostate>) {
                return {value_of_digits(coefficients_of(plaintext, 1), space_->t(), n_)};
            } else {
                constexpr std::size_t words = words_of<Codec>;
                Buffer slots = Buffer::uninitialised(words * this->slots(), Secrecy::secret);
                codec.decode(plaintext.data(), slots.span());
                std::vector<mpz_class> values(this->slots());
                for (std::size_t j = 0; j < values.size(); ++j) {
                    mpz_import(values[j].get_mpz_t(), words, -1, sizeof(std::uint64_t), 0, 0,
                               slots.data() + words * j);
                    if (2 * values[j] > modulus()) {
                        values[j] -= modulus();
                    }
                }
                return values;
            }
        },
        codec_);
}

std::vector<std::int64_t> BinomialEncoder::decode_words(const Plaintext& plaintext) const {
    check(plaintext);
    std::vector<std::int64_t> values(slots());
    std::visit(
        [&](const auto& codec) {
            using Codec = std::decay_t<decltype(codec)>;
            if constexpr (std::is_same_v<Codec, std::monostate>) {
                values[0] = word_in_range(value_of_digits(coefficients_of(plaintext, 1), space_->t(), n_));
            } else {
                constexpr std::size_t words = words_of<Codec>;
                Buffer slots = Buffer::uninitialised(words * values.size(), Secrecy::secret);
                codec.decode(plaintext.data(), slots.span());
                std::uint64_t wide = 0;
                for (std::size_t j = 0; j < values.size(); ++j) {
                    typename Codec::Value value;
                    std::copy_n(slots.data() + words * j, words, value.begin());
                    values[j] = codec.centred(value, wide);
                }
                if (wide != 0) {
                    throw Error(too_wide);
                }
            }
        },
        codec_);
    return values;
}

}  // namespace lacuna
