// SPDX-License-Identifier: Apache-2.0
#include <lacuna/ntt/kernels/avx512ifma/functions.h>
#include <lacuna/ntt/kernels/list.h>

namespace lacuna {

bool avx512ifma::supported() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("avx512vpopcntdq");
}

const Kernels avx512ifma_kernels = {
    .name = "avx512ifma",
    .supported = avx512ifma::supported,
    .build_twiddles = avx512ifma::build_twiddles,
    .ntt_forward = avx512ifma::ntt_forward,
    .ntt_inverse = avx512ifma::ntt_inverse,
    .add = avx512ifma::add,
    .subtract = avx512ifma::subtract,
    .negate = avx512ifma::negate,
    .reduce = avx512ifma::reduce,
    .from_signed = avx512ifma::from_signed,
    .lift_centred = avx512ifma::lift_centred,
    .multiply = avx512ifma::multiply,
    .multiply_add = avx512ifma::multiply_add,
    .multiply_scalar = avx512ifma::multiply_scalar,
    .subtract_multiply_scalar = avx512ifma::subtract_multiply_scalar,
    .dot = avx512ifma::dot,
    .tensor = avx512ifma::tensor,
    .tensor_square = avx512ifma::tensor_square,
    .prepare_weights = avx512ifma::prepare_weights,
    .weighted_sum = avx512ifma::weighted_sum,
    .round_fractions = avx512ifma::round_fractions,
    .gather = avx512ifma::gather,
    .automorphism = avx512ifma::automorphism,
    .sparse_tile = avx512ifma::sparse_tile,
    .filter_below = avx512ifma::filter_below,
    .centred_binomial = avx512ifma::centred_binomial,
};

}  // namespace lacuna
