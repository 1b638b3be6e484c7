// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/evaluation/flooding.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include <lacuna/ntt/error.h>
#include <lacuna/rns/random.h>
#include <lacuna/rns/ring_operations.h>

namespace lacuna {

Ciphertext flood(const Context& context, const Encryptor& encryptor, const Ciphertext& a, int flood_bits) {
    const Ring& ring = context.ring();
    if (a.ring != ring.hash() || encryptor.ring().hash() != ring.hash()) {
        throw Error("flood: expected a ciphertext and an encryptor of the context's ring, found the " +
                    std::string(a.ring != ring.hash() ? "ciphertext" : "encryptor") +
                    " of another; use parameters that belong together");
    }
    const std::size_t limbs = a.limbs();
    if (a.size() != 2 || limbs < 1 || limbs > ring.max_limbs() ||
        !a.has_shape(ring.n(), limbs, Form::coefficient)) {
        throw Error("flood: expected a ciphertext of size 2 in coefficient form, found size " +
                    std::to_string(a.size()) + " or another form; relinearise it and leave the NTT form");
    }
    const RnsBasis& basis = ring.data();
    (void)context.plain_for(a.t);
    // What t(x) multiplies noise by at most: t itself, or |b| + 1.
    const std::uint64_t growth =
        a.t.is_integer() ? a.t.value() : static_cast<std::uint64_t>(std::abs(a.t.base())) + 1;
    const mpz_class room = basis.prefix(limbs).product() / to_mpz(growth * NoiseModel::flood_summands);
    const int most = std::min(max_flood_bits, static_cast<int>(mpz_sizeinbase(room.get_mpz_t(), 2)) - 2);
    if (flood_bits < 1 || flood_bits > most) {
        throw Error("flood: expected 1 ... " + std::to_string(most) + " bits, found " +
                    std::to_string(flood_bits) + ": at this level Q has room for no more above t = " +
                    to_string(a.t) + "; flood less, or at a higher level");
    }
    Ciphertext result = encryptor.encrypt_zero(a.t, limbs);
    for (std::size_t k = 0; k < 2; ++k) {
        add(basis, result.parts[k], a.parts[k], result.parts[k]);
    }
    // Integers of flood_bits + 1 random bits, minus 2^flood_bits, in words from the lowest.
    const std::size_t n = a.n();
    const auto bits = static_cast<std::size_t>(flood_bits) + 1;
    const std::size_t words = (bits + 63) / 64;
    const std::uint64_t top_mask = bits % 64 == 0 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits % 64) - 1;
    Buffer random = Buffer::uninitialised(n * words, Secrecy::secret);
    RandomStream stream = RandomStream::secret();
    for (int summand = 0; summand < NoiseModel::flood_summands; ++summand) {
        stream.fill(random.span());
        for (std::size_t i = 0; i < limbs; ++i) {
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
    }
    return result;
}

}  // namespace lacuna
