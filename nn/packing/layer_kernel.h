// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <variant>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/plaintext.h>
#include <lacuna/he/fv/sparse_product.h>
#include <lacuna/nn/packing/packed_kernel.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/modulus.h>

namespace lacuna {

struct LinearMap;

/// A linear layer, compiled for one packing and one plaintext modulus: what takes all values of a step to all
/// values of the next. A packing that lays values out in another way brings its own alternative.
using LayerKernel = std::variant<SparseProduct, PackedKernel>;

/// One element a ciphertext: every weight a short sum of monomials, encode(weight, t), and every bias the
/// same times `factor`.
[[nodiscard]] LayerKernel elementwise_kernel(
    const LinearMap& map, std::size_t n, const Modulus& t, std::uint64_t factor,
    const std::function<std::vector<Monomial>(const mpz_class&, const Modulus&)>& encode);

/// `count` values side by side in one ciphertext: value i times x^(i stride).
[[nodiscard]] LayerKernel join_kernel(std::size_t n, std::size_t count, std::size_t stride);

/// Replaces the values by those of the next step. Where a stop is requested it returns early, and the values
/// are lost. keys: for kernels that rotate.
void apply(const LayerKernel& kernel, const Context& context, std::vector<Ciphertext>& values,
           const GaloisKeys& keys, const RunControl& control);

/// The same terms times a factor, centred modulo t.
[[nodiscard]] std::vector<Monomial> multiplied(std::vector<Monomial> terms, std::uint64_t factor,
                                               const Modulus& t);

}  // namespace lacuna
