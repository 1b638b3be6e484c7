// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <gmpxx.h>

#include <lacuna/nn/model/expanded_model.h>

namespace lacuna {

/// The integers low ... high, both included.
struct Interval {
    mpz_class low;
    mpz_class high;

    /// Largest absolute value of a member.
    [[nodiscard]] mpz_class magnitude() const;
    [[nodiscard]] bool contains(const mpz_class& value) const { return low <= value && value <= high; }
    bool operator==(const Interval& other) const { return low == other.low && high == other.high; }
};

/// Smallest interval that contains all of the given ones; [0, 0] for none.
[[nodiscard]] Interval hull(std::span<const Interval> intervals);

/// Exact range of coefficients[0] + coefficients[1] x + ... over the integers x of the domain, at any degree:
/// the smallest and the largest value that some integer x takes.
[[nodiscard]] Interval polynomial_range(std::span<const mpz_class> coefficients, const Interval& domain);

/// Bounds on every value of a network that hold for any image (each element by itself takes any of its
/// levels).
struct SlotRanges {
    /// values[l][e]: element e after layer l; values[0] is the quantised input.
    std::vector<std::vector<Interval>> values;
    /// working[l]: bound on the absolute value of everything that evaluating layer l touches: inputs,
    /// outputs, products and partial sums in any order, and every step of Horner's rule for an activation.
    std::vector<mpz_class> working;

    /// Largest absolute value a logit can have; a plaintext modulus above twice this decodes it uniquely.
    [[nodiscard]] mpz_class largest_logit() const { return hull(values.back()).magnitude(); }
    /// Largest entry of `working`.
    [[nodiscard]] mpz_class largest_working() const;
};

/// Interval arithmetic over the layers; an activation's range is exact over its input's interval. Throws
/// Error where values pass 65,536 bits, and Stopped as the model says.
[[nodiscard]] SlotRanges slot_ranges(const ExpandedModel& model);
/// Throws Error for an invalid model, too.
[[nodiscard]] SlotRanges slot_ranges(const Model& model);

/// Bounds on the digit polynomials of the radix packing that hold for any image. Every value is a polynomial
/// in x whose value at x = 2 is the integer: a pixel level has its binary digits, every weight, bias and
/// activation coefficient its non-adjacent form (so +-2^k is +-x^k), and products are polynomial products
/// without carries.
struct RadixRanges {
    /// One layer's digit polynomials, all elements taken together.
    struct Layer {
        std::vector<Interval> coefficients;  ///< index = exponent; no trailing [0, 0]

        [[nodiscard]] std::size_t degree() const {
            return coefficients.empty() ? 0 : coefficients.size() - 1;
        }
    };

    std::vector<Layer> layers;  ///< after each layer; entry 0 is the input
    /// logits[i][k]: the coefficient of x^k of logit i.
    std::vector<std::vector<Interval>> logits;

    /// Largest absolute coefficient over the logits. It decides t: arithmetic modulo t may wrap in between.
    [[nodiscard]] mpz_class largest_logit_coefficient() const;
    /// Largest degree after any layer; it must stay below n.
    [[nodiscard]] std::size_t largest_degree() const;
};

/// Interval arithmetic on every coefficient, with squares of a coefficient known to be >= 0; activations go
/// through the products of activation_steps(), as digits do under encryption. Throws Error where a degree
/// passes 32,767, the largest that any ring here can hold, and Stopped as the model says.
[[nodiscard]] RadixRanges radix_ranges(const ExpandedModel& model);
/// Throws Error for an invalid model, too.
[[nodiscard]] RadixRanges radix_ranges(const Model& model);

}  // namespace lacuna
