// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/binomial_encoder.h>
#include <lacuna/nn/packing/packed.h>

namespace lacuna {

bool PackedPacking::takes(const PlainModulus& t, std::size_t n) {
    if (t.is_integer() || t.power() < 2) {
        return false;
    }
    constexpr int rounds = 32;
    const mpz_class p = slot_modulus(t, n);
    return mpz_sizeinbase(p.get_mpz_t(), 2) <= BinomialEncoder::max_slot_bits &&
           mpz_fdiv_ui(p.get_mpz_t(), 2 * n) == 1 && mpz_probab_prime_p(p.get_mpz_t(), rounds) != 0;
}

std::string PackedPacking::what_it_takes(std::size_t n) {
    return "a binomial x^k - b, k > 1, with b^(n/k) + 1 a prime that is 1 modulo 2n = " +
           std::to_string(2 * n);
}

std::vector<std::vector<std::int64_t>> PackedPacking::slots_of(const PackedArrangement& arrangement,
                                                               const Shape& shape, std::size_t slots,
                                                               std::span<const std::int64_t> levels) {
    std::vector<std::vector<std::int64_t>> rows(arrangement.ciphertexts(shape),
                                                std::vector<std::int64_t>(slots));
    const std::vector<Place> places = arrangement.places(shape);
    const std::size_t images = levels.size() / places.size();
    for (std::size_t image = 0; image < images; ++image) {
        for (std::size_t element = 0; element < places.size(); ++element) {
            const auto& [ciphertext, position] = places[element];
            for (std::size_t copy = 0; copy < arrangement.copies; ++copy) {
                rows[ciphertext][position + copy * arrangement.copy_step + image] =
                    levels[image * places.size() + element];
            }
        }
    }
    return rows;
}

}  // namespace lacuna
