// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/digits.h>
#include <lacuna/nn/packing/radix.h>
#include <lacuna/ntt/gmp_words.h>

namespace lacuna {

bool RadixPacking::takes(std::uint64_t t, std::size_t /*n*/) {
    return t >= 3;
}

std::string RadixPacking::what_it_takes(std::size_t /*n*/) {
    return "at least 3";
}

Plaintext RadixPacking::Encoder::encode(std::span<const std::int64_t> levels) const {
    return encoder_.encode(to_signed_mpz(levels.front()));
}

std::vector<std::int64_t> RadixPacking::Encoder::decode(const Plaintext& plaintext) const {
    std::vector<std::int64_t> words(plaintext.n());
    for (std::size_t j = 0; j < words.size(); ++j) {
        words[j] = modulus_.centre(plaintext[j]);
    }
    return words;
}

mpz_class RadixPacking::logit(const std::function<mpz_class(std::size_t)>& word, std::size_t position,
                              std::size_t /*image*/, std::size_t coefficients) {
    std::vector<mpz_class> digits;
    for (std::size_t k = 0; k < coefficients; ++k) {
        digits.push_back(word(position + k));
    }
    return evaluate_at_two(digits);
}

}  // namespace lacuna
