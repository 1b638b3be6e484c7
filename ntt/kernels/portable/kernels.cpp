// SPDX-License-Identifier: Apache-2.0
//
// The plain twin of every vector kernel, and the only kernel of machines without one: 64-bit words and
// 128-bit products, no special instructions.
#include <lacuna/ntt/kernels/list.h>
#include <lacuna/ntt/kernels/portable/functions.h>

namespace lacuna {

bool portable::supported() {
    return true;
}

const Kernels portable_kernels = {
    .name = "portable",
    .supported = portable::supported,
    .build_twiddles = portable::build_twiddles,
    .ntt_forward = portable::ntt_forward,
    .ntt_inverse = portable::ntt_inverse,
    .add = portable::add,
    .subtract = portable::subtract,
    .negate = portable::negate,
    .reduce = portable::reduce,
    .from_signed = portable::from_signed,
    .lift_centred = portable::lift_centred,
    .multiply = portable::multiply,
    .multiply_add = portable::multiply_add,
    .multiply_scalar = portable::multiply_scalar,
    .subtract_multiply_scalar = portable::subtract_multiply_scalar,
    .dot = portable::dot,
    .tensor = portable::tensor,
    .tensor_square = portable::tensor_square,
    .prepare_weights = portable::prepare_weights,
    .weighted_sum = portable::weighted_sum,
    .round_fractions = portable::round_fractions,
    .gather = portable::gather,
    .automorphism = portable::automorphism,
    .sparse_tile = portable::sparse_tile,
    .filter_below = portable::filter_below,
    .centred_binomial = portable::centred_binomial,
};

}  // namespace lacuna
