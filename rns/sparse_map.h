// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include <lacuna/ntt/kernels.h>
#include <lacuna/ntt/modulus.h>

namespace lacuna {

/// One non-zero entry coefficient * x^exponent of a sparse matrix of monomials, in the column `input`.
struct SparseTerm {
    std::uint32_t input = 0;
    std::uint32_t exponent = 0;  ///< in [0, 2n): x^n = -1
    std::int64_t coefficient = 1;
    bool operator==(const SparseTerm&) const = default;
};

/// y_j = sum_i c_ji x^k_ji x_i over many polynomials at once: the sparse monomial product, one fused pass.
///
/// Residues are below 2^50, so a 64-bit word holds an unreduced sum while the sum of |c| over a row stays
/// below 2^14; longer rows are cut into segments that are reduced one by one, and a coefficient of 2^14 or
/// more is multiplied modulo q after its terms are summed. Negative and wrapped terms subtract from a
/// multiple of q that covers them. Terms of equal |c| are summed first and scaled once, by a shift where |c|
/// is a power of two: no term costs a modular multiplication.
///
/// The pass is blocked: a tile of a few dozen coefficients of every input is packed side by side, preceded by
/// the words that x^k shifts into it, and stays in the second-level cache while every row passes over it.
class SparseMap {
  public:
    /// rows: for each output its terms, in any order. n: ring degree, a power of two, at least 16. Throws
    /// Error where a column or exponent is out of range.
    SparseMap(std::size_t n, std::size_t inputs, std::vector<std::vector<SparseTerm>> rows);

    [[nodiscard]] std::size_t n() const { return n_; }
    [[nodiscard]] std::size_t inputs() const { return inputs_; }
    [[nodiscard]] std::size_t outputs() const { return rows_.size(); }
    [[nodiscard]] const std::vector<std::vector<SparseTerm>>& rows() const { return rows_; }
    [[nodiscard]] std::size_t term_count() const { return term_count_; }
    /// Whether every exponent is 0, so that the map may be applied to words in NTT form as well.
    [[nodiscard]] bool is_scalar() const { return largest_exponent_ == 0; }

    /// Whether outputs may take the place of inputs. Every tile is packed before it is written, so only
    /// shifts too long to pack rule it out.
    [[nodiscard]] bool works_in_place() const { return tiled_; }

    /// The same limb of the same part of every input and output; n words each, residues in [0, q),
    /// coefficient form (or NTT form where is_scalar()). Output j may be input j, or another input, where
    /// works_in_place().
    struct Plane {
        const Modulus* modulus = nullptr;
        std::vector<const std::uint64_t*> inputs;
        std::vector<std::uint64_t*> outputs;
    };
    /// Computes every plane; tiles are shared out between `threads` threads, and the result does not depend
    /// on them. Where a stop is requested it returns early, with outputs of which nothing is known.
    void apply(const Kernels& kernels, std::span<const Plane> planes, int threads,
               const std::stop_token& stop = {}) const;

  private:
    /// A part of a row whose unreduced sum fits 64 bits.
    struct Segment {
        std::uint32_t group_begin = 0;
        std::uint32_t group_end = 0;
        std::uint64_t negative_weight = 0;  ///< sum of |c| over the subtracted terms
        std::int64_t scale = 1;             ///< multiplied modulo q afterwards
    };
    struct Row {
        std::vector<std::uint32_t> offsets;
        std::vector<TermGroup> groups;
        std::vector<Segment> segments;
    };

    [[nodiscard]] Row compile(const std::vector<SparseTerm>& terms) const;
    void run_tile(const Kernels& kernels, const Plane& plane, std::size_t begin, std::uint64_t* packed) const;
    void pack_halo(const Plane& plane, std::size_t begin, std::uint64_t* packed) const;
    /// sums, product: room for n words each.
    void run_whole(const Kernels& kernels, const Plane& plane, std::size_t row, std::uint64_t* sums,
                   std::uint64_t* product) const;

    std::size_t n_;
    std::size_t inputs_;
    std::vector<std::vector<SparseTerm>> rows_;
    std::size_t term_count_ = 0;
    std::uint32_t largest_exponent_ = 0;  // after x^n = -1 has been used
    bool tiled_ = true;
    std::size_t tile_ = 0;
    std::size_t halo_ = 0;  // words before a tile that shifts reach, a multiple of 8
    std::vector<Row> compiled_;
};

}  // namespace lacuna
