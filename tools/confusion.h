// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace lacuna {

/// How often each class was taken for which. With more than most_pairs classes only the classes are counted,
/// not the pairs.
class Confusion {
  public:
    static constexpr std::size_t most_pairs = 1024;

    explicit Confusion(std::size_t classes);

    /// Both below classes().
    void add(std::size_t label, std::size_t answer);

    [[nodiscard]] std::size_t classes() const { return rows_.size(); }
    [[nodiscard]] std::size_t total() const { return total_; }
    [[nodiscard]] std::size_t correct() const { return correct_; }
    /// Rows with that label, rows answered so, and those where both are that class.
    [[nodiscard]] std::size_t rows(std::size_t label) const { return rows_[label]; }
    [[nodiscard]] std::size_t answers(std::size_t answer) const { return answers_[answer]; }
    [[nodiscard]] std::size_t right(std::size_t label) const { return right_[label]; }

    [[nodiscard]] bool has_pairs() const { return classes() <= most_pairs; }
    /// Rows with a label that were given an answer, where has_pairs().
    [[nodiscard]] std::size_t pair(std::size_t label, std::size_t answer) const {
        return pairs_[label * classes() + answer];
    }
    struct Mistake {
        std::size_t label = 0;
        std::size_t answer = 0;
        std::size_t rows = 0;
    };
    /// The most frequent wrong answers, the most frequent first, where has_pairs().
    [[nodiscard]] std::vector<Mistake> mistakes(std::size_t most) const;

  private:
    std::size_t total_ = 0;
    std::size_t correct_ = 0;
    std::vector<std::size_t> rows_;
    std::vector<std::size_t> answers_;
    std::vector<std::size_t> right_;
    std::vector<std::size_t> pairs_;
};

}  // namespace lacuna
