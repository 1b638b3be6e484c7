// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/keys.h>

#include <string>

#include <lacuna/he/rlwe/key_switch.h>
#include <lacuna/ntt/error.h>
#include <lacuna/rns/sampler.h>

namespace lacuna {

const GaloisKeys::Entry& GaloisKeys::at(std::uint32_t element) const {
    const auto found = entries.find(element);
    if (found == entries.end()) {
        throw Error("Galois keys: the key of element " + std::to_string(element) +
                    " is missing; generate Galois keys that include this rotation");
    }
    return found->second;
}

void expand(const Ring& ring, KeySwitchKey& key) {
    const RnsBasis basis = key_primes(ring, key_limbs(ring, key));
    for (std::size_t d = 0; d < key.digits.size(); ++d) {
        key.digits[d].a = RnsPolynomial::uninitialised(ring.n(), basis.size(), Form::ntt);
        sample_uniform(basis, key.seed, d * key_stream_stride, key.digits[d].a);
    }
}

void expand(const Ring& ring, PublicKey& key) {
    const RnsBasis& basis = ring.key_basis();
    key.a = RnsPolynomial::uninitialised(ring.n(), basis.size(), Form::ntt);
    sample_uniform(basis, key.seed, 0, key.a);
}

std::uint32_t rotation_element(std::size_t n, std::uint64_t generator, std::size_t slots, int steps) {
    const auto row = static_cast<std::int64_t>(slots);
    if (steps <= -row || steps >= row) {
        throw Error("rotation: expected a number of steps between -" + std::to_string(row - 1) + " and " +
                    std::to_string(row - 1) + ", found " + std::to_string(steps));
    }
    std::uint64_t element = 1;
    for (std::int64_t i = 0; i < (steps + row) % row; ++i) {
        element = element * generator % (2 * n);
    }
    return static_cast<std::uint32_t>(element);
}

std::uint32_t rotation_element(std::size_t n, int steps) {
    return rotation_element(n, 3, n / 2, steps);  // 3 generates the units of Z_2n modulo -1, a cyclic group
}

}  // namespace lacuna
