// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <stop_token>

#include <lacuna/he/fv/binomial_encoder.h>
#include <lacuna/he/fv/diagonal.h>

namespace lacuna {

/// What a DiagonalProduct does to noise e: a coefficient of the output is a form <r, e> in the coefficients
/// of an input, with a polynomial r for each of them (he/fv/noise.md, "Diagonals"). Of the output where they
/// are largest:
struct DiagonalNorms {
    double any = 0;    ///< the largest |r| over the embeddings, summed over the inputs
    double fresh = 0;  ///< the largest Euclidean norm of r, over all inputs: for independent coefficients
    double keys = 0;   ///< the same as `any` for independent noise in every baby rotation
    bool operator==(const DiagonalNorms&) const = default;
};

/// n: of the ring. Takes a fraction of a second where a few hundred diagonals have two thousand slots. Where
/// a stop is requested it returns early, and the norms are worthless.
[[nodiscard]] DiagonalNorms diagonal_norms(const BinomialEncoder& encoder, std::size_t n,
                                           std::span<const Diagonal> diagonals,
                                           const RotationSchedule& schedule,
                                           const std::stop_token& stop = {});

/// The same for diagonals of random digits, from their number alone: a first guess, no bound.
[[nodiscard]] DiagonalNorms usual_diagonal_norms(const PlainModulus& t, std::size_t n,
                                                 const RotationSchedule& schedule);

}  // namespace lacuna
