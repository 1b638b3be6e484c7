// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/packing/slots.h>
#include <lacuna/ntt/primes.h>

namespace lacuna {

bool SlotsPacking::takes(std::uint64_t t, std::size_t n) {
    return t % (2 * n) == 1 && is_prime(t);
}

std::string SlotsPacking::what_it_takes(std::size_t n) {
    return "a prime that is 1 modulo 2n = " + std::to_string(2 * n);
}

Plaintext SlotsPacking::Encoder::encode(std::span<const std::int64_t> levels) const {
    return encoder_.encode(levels);
}

std::vector<std::int64_t> SlotsPacking::Encoder::decode(const Plaintext& plaintext) const {
    return encoder_.decode(plaintext);
}

mpz_class SlotsPacking::logit(const std::function<mpz_class(std::size_t)>& word, std::size_t position,
                              std::size_t image, std::size_t /*coefficients*/) {
    return word(position + image);
}

}  // namespace lacuna
