// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/packing/plain_moduli.h>

#include <algorithm>

#include <lacuna/ntt/primes.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

std::vector<std::uint64_t> neighbouring_primes(std::size_t n, std::size_t count, const mpz_class& needed) {
    mpz_class root;
    mpz_root(root.get_mpz_t(), needed.get_mpz_t(), count);
    if (mpz_sizeinbase(root.get_mpz_t(), 2) > max_modulus_bits) {
        return {};
    }
    // The largest first: those up to the root, whose product is too small, then upwards.
    const std::uint64_t step = 2 * n;
    const std::uint64_t middle = to_word(root) / step * step + 1;
    std::vector<std::uint64_t> moduli;
    for (std::uint64_t t = middle; t > 1 && moduli.size() < count; t -= step) {
        if (is_prime(t)) {
            moduli.push_back(t);
        }
    }
    const auto suffice = [&] {
        mpz_class product = 1;
        for (const std::uint64_t t : moduli) {
            product *= to_mpz(t);
        }
        return moduli.size() == count && product > needed;
    };
    for (std::uint64_t t = middle + step; !suffice(); t += step) {
        if (t >> max_modulus_bits != 0) {
            return {};
        }
        if (is_prime(t)) {
            moduli.insert(moduli.begin(), t);
            moduli.resize(std::min(moduli.size(), count));
        }
    }
    return moduli;
}

}  // namespace lacuna
