// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include <lacuna/he/fv/binomial_encoder.h>
#include <lacuna/he/fv/ciphertext.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/diagonal.h>
#include <lacuna/he/fv/rotation_schedule.h>
#include <lacuna/he/rlwe/keys.h>
#include <lacuna/ntt/buffer.h>
#include <lacuna/rns/polynomial.h>

namespace lacuna {

/// A sparse matrix over the slots of a few ciphertexts modulo x^k - b, as a sum of rotated products with
/// plaintext diagonals,
///     y_o = sum_g rot_g( sum_{i, h} diagonal_{o, g, i, h} rot_h(x_i) ).
/// Baby rotations h share the digits of their input (hoisting), products are summed modulo Q P, and the only
/// divisions by P are one of the part that a giant rotation g switches and one at the end (Bossuat et al.,
/// ePrint 2020/1203, section 4: double hoisting). A diagonal that is not there costs nothing. Diagonals are
/// encoded, turned by -g and transformed once; they take bytes() of memory.
class DiagonalProduct {
  public:
    /// limbs: the level of the inputs. schedule: of the diagonals, in their order. threads: for the
    /// preparation. Throws Error where a diagonal is longer than k or out of place.
    DiagonalProduct(const Context& context, const BinomialEncoder& encoder, std::size_t inputs,
                    std::size_t outputs, std::size_t limbs, std::span<const Diagonal> diagonals,
                    const RotationSchedule& schedule, int threads = 1);
    /// A part of it, for partial_sums() alone: only the diagonals that `wanted` names by number, all those of
    /// a giant rotation or none of them.
    DiagonalProduct(const Context& context, const BinomialEncoder& encoder, std::size_t inputs,
                    std::size_t outputs, std::size_t limbs, std::span<const Diagonal> diagonals,
                    const RotationSchedule& schedule, const std::vector<bool>& wanted, int threads);

    [[nodiscard]] std::size_t inputs() const { return inputs_; }
    [[nodiscard]] std::size_t outputs() const { return outputs_; }
    /// Of the prepared diagonals.
    [[nodiscard]] std::size_t bytes() const;
    /// Whether giant steps wait for each other: then there are no partial_sums().
    [[nodiscard]] bool chained() const { return !chains_.empty(); }

    /// Inputs of size 2 in coefficient form, as outputs are. All threads work on the same product. Where a
    /// stop is requested it returns early, and the result is worthless. Throws Error for other inputs and for
    /// keys that lack a step.
    [[nodiscard]] std::vector<Ciphertext> apply(const Context& context, std::span<const Ciphertext> inputs,
                                                const GaloisKeys& keys, int threads = 1,
                                                const std::stop_token& stop = {}) const;

    /// The sums of these outputs before their division by P: two polynomials modulo Q_l P, NTT form, or
    /// modulo Q_l where the output has no rotation in any part. Those of several parts of one product are
    /// added up prime by prime, by add_partial_sum(), and are then what divide() wants.
    [[nodiscard]] std::vector<Ciphertext> partial_sums(const Context& context,
                                                       std::span<const Ciphertext> inputs,
                                                       std::span<const std::size_t> outputs,
                                                       const GaloisKeys& keys, int threads = 1,
                                                       const std::stop_token& stop = {}) const;
    /// An output as apply() returns it.
    [[nodiscard]] Ciphertext divide(const Context& context, Ciphertext sum, std::size_t output,
                                    int threads = 1) const;

  private:
    struct Baby {
        std::size_t input = 0;
        std::uint32_t element = 1;
    };
    /// Everything that one giant rotation turns: products of babies with diagonals. These are kept prime by
    /// prime, some words of every diagonal after the same words of the one before, in the order in which a
    /// sum reads them: as rows of their own, a power of two apart, they would evict each other.
    struct Group {
        std::size_t output = 0;
        std::uint32_t element = 1;
        std::vector<std::size_t> babies;  // [product]: of babies_
        std::vector<Buffer> values;       // [prime]: NTT form, [block][product][word]
    };
    static constexpr std::size_t block = 256;  // words
    /// A link of an output's chain: what joins what has been turned so far, and how the two are turned then.
    struct Link {
        std::size_t group = 0;      // of groups_
        std::uint32_t element = 1;  // 1: not at all
    };
    class Run;         // up to the sums of products
    class GiantSteps;  // and on, each giant step by itself
    class GiantChain;  // or chained

    void check(const Context& context, std::span<const Ciphertext> inputs) const;

    std::size_t inputs_;
    std::size_t outputs_;
    std::size_t limbs_;
    PlainModulus t_;
    bool wide_ = false;           // products are modulo Q P: there are baby rotations
    std::vector<bool> extended_;  // [output]: its sum is modulo Q P
    std::vector<Baby> babies_;
    std::vector<Group> groups_;
    std::vector<std::vector<Link>> chains_;  // [output], where giant steps are chained; else none
};

/// sum += part, both from partial_sums() for one output of one product and modulo Q_l P.
void add_partial_sum(const Context& context, Ciphertext& sum, const Ciphertext& part);

}  // namespace lacuna
