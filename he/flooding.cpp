// SPDX-License-Identifier: Apache-2.0
#include "he/flooding.h"

#include <string>
#include <vector>

#include "ntt/error.h"
#include "rns/random.h"
#include "rns/ring_operations.h"

namespace lacuna {

Ciphertext flood(const Context& context, const Encryptor& encryptor, const Ciphertext& a, int flood_bits) {
    if (a.size() != 2 || a.form() != Form::coefficient || flood_bits < 1 || flood_bits > max_flood_bits) {
        throw Error(
            "flood: expected a ciphertext of size 2 in coefficient form and 1 ... 700 bits, found size " +
            std::to_string(a.size()) + " and " + std::to_string(flood_bits) + " bits");
    }
    const RnsBasis& basis = context.ring().data();
    Ciphertext result = encryptor.encrypt_zero(a.t, a.limbs());
    for (std::size_t k = 0; k < 2; ++k) {
        add(basis, result.parts[k], a.parts[k], result.parts[k]);
    }
    // One integer of flood_bits + 1 random bits a coefficient, minus 2^flood_bits, in words from the lowest.
    const std::size_t n = a.n();
    const auto bits = static_cast<std::size_t>(flood_bits) + 1;
    const std::size_t words = (bits + 63) / 64;
    const std::uint64_t top_mask = bits % 64 == 0 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits % 64) - 1;
    Buffer random = Buffer::uninitialised(n * words, Secrecy::secret);
    RandomStream::secret().fill(random.span());
    for (std::size_t i = 0; i < a.limbs(); ++i) {
        const Modulus& q = basis.modulus(i);
        const std::uint64_t half =
            q.power(q.reduce(std::uint64_t{2}), static_cast<std::uint64_t>(flood_bits));
        std::uint64_t* const c0 = result.parts[0].limb(i);
        for (std::size_t j = 0; j < n; ++j) {
            std::uint64_t value = 0;
            for (std::size_t w = words; w-- > 0;) {
                const std::uint64_t word =
                    random[w * n + j] & (w + 1 == words ? top_mask : ~std::uint64_t{0});
                value = q.reduce((uint128_t{value} << 64) | word);
            }
            c0[j] = q.add(c0[j], q.subtract(value, half));
        }
    }
    return result;
}

}  // namespace lacuna
