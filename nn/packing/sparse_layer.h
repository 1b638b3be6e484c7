// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/evaluation/sparse_product.h>
#include <lacuna/he/fv/plaintext.h>
#include <lacuna/ntt/modulus.h>

namespace lacuna {

struct LinearMap;

/// One element a ciphertext: every weight a short sum of monomials, encode(weight, t), and every bias the
/// same times `factor`.
[[nodiscard]] SparseProduct elementwise_layer(
    const LinearMap& map, std::size_t n, const Modulus& t, std::uint64_t factor,
    const std::function<std::vector<Monomial>(const mpz_class&, const Modulus&)>& encode);

/// `count` values side by side in one ciphertext: value i times x^(i stride).
[[nodiscard]] SparseProduct join_layer(std::size_t n, std::size_t count, std::size_t stride);

/// The same terms times a factor, centred modulo t.
[[nodiscard]] std::vector<Monomial> multiplied(std::vector<Monomial> terms, std::uint64_t factor,
                                               const Modulus& t);

}  // namespace lacuna
