// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <lacuna/ntt/kernels.h>
#include <lacuna/ntt/modulus.h>
#include <lacuna/rns/fixed_fractions.h>

namespace lacuna {

/// Exact conversion of centred integers from the residues modulo q_0 ... q_{L-1} to other moduli (Halevi,
/// Polyakov, Shoup, ePrint 2018/117, section 2.2): with y_i = [x (Q/q_i)^-1]_{q_i},
///     x = sum_i y_i Q/q_i - v Q,   v = round(sum_i y_i / q_i),
/// and v from fixed-point fractions whose error is below 1.25 L 2^-52. So the result stands for an integer
/// congruent to x in [-Q/2 (1 + e), Q/2 (1 + e)], e < 1.25 L 2^-51: exactly the centred one, except within
/// e Q/2 of +-Q/2, where either neighbour may come out. From one modulus it is exact everywhere: q is odd, so
/// y / q keeps 2^-51 away from every half-integer.
class BaseConverter {
  public:
    /// At most 60 source moduli.
    BaseConverter(std::span<const Modulus> from, std::span<const Modulus> to, const Kernels& kernels);

    /// from[i], to[j]: n words each, n a multiple of 16, residues in [0, q_i) -> [0, p_j). A null to[j], or a
    /// shorter `to`, leaves that modulus out.
    void convert(std::span<const std::uint64_t* const> from, std::span<std::uint64_t* const> to,
                 std::size_t n) const;

  private:
    void lift(const std::uint64_t* from, std::span<std::uint64_t* const> to, std::size_t n) const;

    const Kernels* kernels_;
    std::vector<Modulus> from_;
    std::vector<Modulus> to_;
    std::vector<ShoupFactor> inverse_;  // (Q/q_i)^-1 mod q_i
    FixedFractions reciprocals_;        // 1/q_i
    // [j]: Q/q_i mod p_j for every i, then -Q mod p_j; prepared.
    std::vector<std::vector<std::uint64_t>> weights_;
};

}  // namespace lacuna
