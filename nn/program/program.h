// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include <gmpxx.h>

#include <lacuna/nn/program/power_basis.h>

namespace lacuna {

// The kinds of steps. A step takes the values at hand, a vector of ciphertexts, to the next ones. Inside an
// activation every value x has its powers beside it: x^1 is the value itself, ProductStep makes further ones,
// and WeightedSumStep replaces all of them by one value again.

/// A layer kernel: every value becomes a sum over all of them (nn/server/layer_kernel.h).
struct LinearStep {
    std::size_t layer = 0;  ///< of the model
    std::size_t stage = 0;  ///< its account (nn/program/stage.h)
};
/// A power of every value.
struct ProductStep {
    PowerProduct powers;
    bool unscaled = false;  ///< a BGV-style square, Evaluator::square_unscaled
    bool drop = false;      ///< divides by the last prime in its own rounding
    bool spends = false;    ///< a square whose operand nothing else needs: it may work in its storage
};
/// Size 3 to size 2.
struct RelinearizeStep {
    std::size_t power = 1;
};
/// An activation's c_0 + c_1 x + ... of powers that are there. Where the highest power dropped a prime,
/// the sum of the others does so by itself.
struct WeightedSumStep {
    std::size_t layer = 0;    ///< of the model, whose coefficients are the weights
    std::size_t stage = 0;    ///< its account
    std::size_t highest = 0;  ///< the highest power with a weight; 0 for none but the constant
    bool drop = false;        ///< its product did
};
/// To Step::limbs.
struct ModSwitchStep {};
/// Shares of zero added to the parts of every logit that are left to the client (nn/server/reply_mask.h).
struct MaskStep {};
/// Re-randomises and drowns the noise, for circuit privacy.
struct FloodStep {
    int bits = 0;  ///< the added noise is uniform in [-2^bits, 2^bits)
};
/// The values side by side in one ciphertext.
struct JoinStep {};

/// A step of what a server does to a request, which is a flat list of these. Every account of an inference
/// replays this one list: the noise proof (nn/program/noise_replay.h), the cost estimate
/// (nn/program/cost_replay.h), ranges, operation counts, the printed plan, and the evaluator
/// (nn/server/compiled_model.h).
struct Step {
    std::variant<LinearStep, ProductStep, RelinearizeStep, WeightedSumStep, ModSwitchStep, MaskStep,
                 FloodStep, JoinStep>
        kind;
    std::size_t line = 0;      ///< of the printed plan: those of an activation share one
    std::size_t elements = 0;  ///< values after the step
    std::size_t limbs = 0;     ///< of what the step makes
    std::size_t size = 2;      ///< its parts, at most
    std::string_view reason;   ///< why it is there: a literal

    template <typename Kind>
    [[nodiscard]] const Kind* get_if() const {
        return std::get_if<Kind>(&kind);
    }
};

using Program = std::vector<Step>;

/// An activation as steps: the products that its weights need, where needed[i] says whether x^i has one
/// (entry 0, the constant, is of no account), and their sum. What else a step says is left to the caller.
[[nodiscard]] Program activation_steps(const std::vector<bool>& needed);

/// The level of every LinearStep, in their order.
[[nodiscard]] std::vector<std::size_t> linear_limbs(const Program& program);

/// The constant factor that the values after each step carry modulo p. It is 1 until an unscaled square,
/// which leaves -Q modulo p, with the Q of its level; a product multiplies the factors of its operands. Only
/// values of equal factors are added up, and constants are multiplied by theirs beforehand. data_primes: of
/// the ring, the first ones making each level; p: t, or what the slots of a binomial are modulo.
[[nodiscard]] std::vector<mpz_class> value_factors(const Program& program,
                                                   const std::vector<std::uint64_t>& data_primes,
                                                   const mpz_class& p);

}  // namespace lacuna
