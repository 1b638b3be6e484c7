// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include <gmpxx.h>

#include <lacuna/nn/model/model.h>

namespace lacuna {

/// Index of the largest logit, the lowest index on a tie: the class. Throws Error for no logits.
[[nodiscard]] std::size_t argmax(std::span<const mpz_class> logits);

/// The arithmetic that holds every value and partial sum of a layer or a network, for any image.
enum class IntegerWidth { bits_64, bits_128, unbounded };

/// Evaluates a model exactly over the integers. This is the oracle: encrypted inference must return these
/// logits, bit for bit. Built once from a valid model; immutable, safe to share between threads.
class Reference {
  public:
    /// Evaluates every layer at the given width, or each at the narrowest that the proven ranges
    /// (nn/model/ranges.h) allow it: most work of a deep network is done before its values are long.
    /// Throws Error for an invalid model, and for a width below what is proven of a layer.
    explicit Reference(const Model& model, std::optional<IntegerWidth> width = std::nullopt);

    /// The widest that a layer is evaluated at.
    [[nodiscard]] IntegerWidth width() const;
    /// Bytes of one image.
    [[nodiscard]] std::size_t image_size() const { return shapes_.front().size(); }
    [[nodiscard]] std::size_t classes() const { return shapes_.back().size(); }

    /// Logits of one image: image_size() pixels, channel-major. Throws Error for another number of pixels.
    [[nodiscard]] std::vector<mpz_class> logits(std::span<const std::uint8_t> pixels) const;
    [[nodiscard]] std::size_t classify(std::span<const std::uint8_t> pixels) const;

    /// The same for whole images one after another, on the given number of threads (at least 1). The result
    /// does not depend on it. Throws Error where the pixels are not a whole number of images.
    [[nodiscard]] std::vector<std::vector<mpz_class>> batch_logits(std::span<const std::uint8_t> pixels,
                                                                   int threads) const;
    [[nodiscard]] std::vector<std::size_t> batch_classify(std::span<const std::uint8_t> pixels,
                                                          int threads) const;

    /// Every element after every layer for one image, by unbounded integers, so that it can bear out the
    /// ranges; entry 0 is the quantised image.
    [[nodiscard]] std::vector<std::vector<mpz_class>> trace(std::span<const std::uint8_t> pixels) const;

  private:
    /// A linear layer, rows one after another: the terms of row o are terms[row_ends[o - 1]] ... [row_ends[o]
    /// - 1].
    struct Linear {
        std::vector<std::size_t> row_ends;
        std::vector<WeightTerm> terms;
        std::vector<mpz_class> bias;
    };
    struct Polynomial {
        std::vector<mpz_class> coefficients;
    };
    struct Identity {};
    using Step = std::variant<Linear, Polynomial, Identity>;

    struct Evaluation;  ///< the arithmetic, over one integer type at a time

    /// working: the bounds of SlotRanges on what evaluating each layer of a valid model touches.
    Reference(const Model& model, std::span<const mpz_class> working, std::optional<IntegerWidth> width);

    std::vector<Shape> shapes_;
    LevelTable levels_;
    std::vector<Step> steps_;  ///< one per layer
    /// Of the input, then one per layer.
    std::vector<IntegerWidth> widths_;
};

}  // namespace lacuna
