// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <variant>
#include <vector>

#include <lacuna/he/evaluation/sparse_product.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/nn/server/binomial_kernel.h>
#include <lacuna/nn/server/packed_kernel.h>

namespace lacuna {

/// A linear layer, compiled for one packing and one plaintext modulus: what takes all values of a step to all
/// values of the next. A packing that lays values out in another way brings its own alternative.
using LayerKernel = std::variant<SparseProduct, BinomialKernel, PackedKernel>;

/// Replaces the values by those of the next step. Where a stop is requested it returns early, and the values
/// are lost. keys: for kernels that rotate.
void apply(const LayerKernel& kernel, const Context& context, std::vector<Ciphertext>& values,
           const GaloisKeys& keys, const RunControl& control);

}  // namespace lacuna
