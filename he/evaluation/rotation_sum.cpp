// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/evaluation/rotation_sum.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <lacuna/he/evaluation/extended_rotation.h>
#include <lacuna/he/fv/rotation.h>
#include <lacuna/ntt/error.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

using namespace detail;

Ciphertext add_rotations(const Context& context, const Ciphertext& a, std::span<const int> steps,
                         const GaloisKeys& keys, int threads) {
    const Ring& ring = context.ring();
    check_keys("add_rotations", ring, keys);
    const std::size_t n = ring.n();
    const std::size_t limbs = a.limbs();
    if (a.ring != ring.hash() || a.size() != 2 || limbs == 0 || !a.has_shape(n, limbs, Form::coefficient)) {
        throw Error(
            "add_rotations: expected a ciphertext of this ring, of size 2 and in coefficient form, "
            "found another; relinearize it first");
    }
    std::vector<const GaloisKeys::Entry*> entries;
    for (const int step : steps) {
        const std::uint32_t element = rotation_element(n, a.t, step);
        if (element == 1) {
            throw Error("add_rotations: expected rotations that move slots, found one by " +
                        std::to_string(step) + " steps; multiply by a scalar instead");
        }
        entries.push_back(&keys.at(element));
    }
    if (entries.empty()) {
        return a;
    }
    const std::size_t extended = limbs + ring.special().size();
    const std::vector<ShoupFactor> special = special_factors(ring, limbs);
    const std::size_t pieces = std::min(pieces_for(threads, extended), entries.size());
    std::vector<ExtendedPair> sums;
    for (std::size_t c = 0; c < pieces; ++c) {
        sums.emplace_back(ring, limbs);
    }
    in_parallel(threads, pieces * extended, {}, [&](std::size_t task) {
        const std::size_t i = task % extended;
        const std::size_t prime = extended_prime(ring, limbs, i);
        const Modulus& q = ring.key_basis().modulus(prime);
        ExtendedPair& sum = sums[task / extended];
        RaisedDigits digits(ring, a.parts[1]);
        Buffer c0;
        if (i < limbs) {
            c0 = Buffer::uninitialised(n);
            ring.kernels().multiply_scalar(c0.data(), a.parts[0].limb(i), n, special[i], q);
            ring.key_basis().tables(prime).forward(c0.span());
        }
        Rows rows(n);
        for (std::size_t e = task / extended; e < entries.size(); e += pieces) {
            rotate(ring, {entries[e], &digits, i < limbs ? c0.data() : nullptr}, limbs, i, rows,
                   {sum.row(0, i), sum.row(1, i)}, e >= pieces);
        }
        sum.to_coefficients(i);
    });
    for (std::size_t c = 1; c < pieces; ++c) {
        for (std::size_t i = 0; i < extended; ++i) {
            for (std::size_t part = 0; part < 2; ++part) {
                ring.kernels().add(sums[0].row(part, i), sums[0].row(part, i), sums[c].row(part, i), n,
                                   ring.key_basis().modulus(extended_prime(ring, limbs, i)));
            }
        }
    }
    Ciphertext result = ciphertext_of(a, std::move(sums.front()).divided());
    for (std::size_t part = 0; part < 2; ++part) {
        for (std::size_t i = 0; i < limbs; ++i) {
            ring.kernels().add(result.parts[part].limb(i), result.parts[part].limb(i), a.parts[part].limb(i),
                               n, ring.data().modulus(i));
        }
    }
    return result;
}

}  // namespace lacuna
