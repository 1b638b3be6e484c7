// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace lacuna {

/// A line of the printed plan: what happens next to every element and every plaintext modulus, as the replays
/// of its steps of the program account for it.
struct PlanStep {
    enum class Kind {
        linear,       ///< a sparse product: convolution, dense, sum pool
        activation,   ///< a polynomial of every element
        relinearize,  ///< size 3 to size 2
        mod_switch,   ///< to fewer limbs
        mask,         ///< shares of zero, where the client adds parts of logits up
        flood,        ///< re-randomise and drown the noise, for circuit privacy
        join,         ///< radix logits side by side in one ciphertext
    };
    Kind kind = Kind::linear;
    std::size_t begin = 0;  ///< its steps of the program: begin ... end - 1
    std::size_t end = 0;
    std::size_t layer = 0;  ///< of the model, for linear and activation
    std::string name;
    std::size_t elements = 0;  ///< after the step
    std::size_t limbs = 0;     ///< after the step
    std::size_t size = 2;      ///< parts of a ciphertext after the step
    double budget_bits = 0;    ///< proven noise budget after the step
    double noise_bits = 0;     ///< log2 of the proven noise bound after the step
    double cost = 0;           ///< nominal nanoseconds on one thread, one plaintext modulus
    int flood_bits = 0;        ///< flood: the added noise is uniform in [-2^flood_bits, 2^flood_bits)
    bool unscaled = false;     ///< activation: a square as Evaluator::square_unscaled makes it
    std::string reason;
};

}  // namespace lacuna
