// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include <lacuna/nn/model/input_features.h>

namespace lacuna {

/// Which rows of a data set are wanted, for which input.
struct RowRequest {
    Shape shape;
    InputFeatures features;            ///< of the model, or of the client's half of its plan
    std::size_t first = 0;             ///< rows before it are passed by
    std::optional<std::size_t> count;  ///< at most so many; absent: all that follow
    std::stop_token stop;
};

/// The inputs that a reader of data has found so far, as pixels. A reader offers its rows one after another:
/// take() says whether the next one is wanted, and if so one of the add functions follows.
class InputRows {
  public:
    /// Names file and row, for errors.
    using Place = std::function<std::string()>;

    explicit InputRows(RowRequest request) : request_(std::move(request)) {}

    [[nodiscard]] const Shape& shape() const { return request_.shape; }
    [[nodiscard]] std::size_t elements() const { return request_.shape.size(); }
    /// Whether no further row is wanted.
    [[nodiscard]] bool full() const { return request_.count && count_ == *request_.count; }
    /// Counts the next row; returns whether it is wanted. Throws Stopped where a stop was requested.
    [[nodiscard]] bool take();

    // Each takes elements() of them, channel-major. Labels come with every row or with none.
    void add_pixels(std::span<const std::uint8_t> pixels, std::optional<std::size_t> label);
    /// Numbers become pixels by the input's ranges. Where it has none, they have to be pixels: integers
    /// 0 ... 255, written as such. Throws Error that names the place.
    void add_numbers(std::span<const double> numbers, bool written_as_integers,
                     std::optional<std::size_t> label, const Place& place);

    /// Rows offered, and rows kept.
    [[nodiscard]] std::size_t offered() const { return offered_; }
    [[nodiscard]] std::size_t count() const { return count_; }
    /// What was kept. Throws Error that starts with `source` where that is nothing.
    struct Kept {
        std::vector<std::uint8_t> pixels;
        std::vector<std::size_t> labels;  ///< empty, or one for each row
    };
    [[nodiscard]] Kept finish(const std::string& source) &&;

  private:
    RowRequest request_;
    std::size_t offered_ = 0;
    std::size_t count_ = 0;
    Kept kept_;
};

/// Throws Error "<place>: ..." unless rows of these dimensions lie as an input of this shape does: the same
/// dimensions but for ones, or flat where the other is not.
void check_row_shape(std::span<const std::size_t> dimensions, const Shape& shape, const std::string& place);

}  // namespace lacuna
