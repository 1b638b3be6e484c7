// SPDX-License-Identifier: Apache-2.0
//
// What gains nothing from vectors of four, or needs products of 104 bits, is left to the portable twin.
#include <lacuna/ntt/kernels/avx2/functions.h>
#include <lacuna/ntt/kernels/list.h>
#include <lacuna/ntt/kernels/portable/functions.h>

namespace lacuna {

bool avx2::supported() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("popcnt");
}

const Kernels avx2_kernels = {
    .name = "avx2",
    .supported = avx2::supported,
    .build_twiddles = avx2::build_twiddles,
    .ntt_forward = avx2::ntt_forward,
    .ntt_inverse = avx2::ntt_inverse,
    .add = avx2::add,
    .subtract = avx2::subtract,
    .negate = avx2::negate,
    .reduce = avx2::reduce,
    .from_signed = avx2::from_signed,
    .lift_centred = avx2::lift_centred,
    .multiply = avx2::multiply,
    .multiply_add = avx2::multiply_add,
    .multiply_scalar = avx2::multiply_scalar,
    .subtract_multiply_scalar = avx2::subtract_multiply_scalar,
    .dot = avx2::dot,
    .tensor = avx2::tensor,
    .tensor_square = avx2::tensor_square,
    .prepare_weights = portable::prepare_weights,
    .weighted_sum = avx2::weighted_sum,
    .round_fractions = portable::round_fractions,
    .gather = portable::gather,
    .automorphism = portable::automorphism,
    .sparse_tile = avx2::sparse_tile,
    .filter_below = portable::filter_below,
    .centred_binomial = avx2::centred_binomial,
};

}  // namespace lacuna
