// SPDX-License-Identifier: Apache-2.0
#include "tools/confusion.h"

#include <algorithm>

namespace lacuna {

Confusion::Confusion(std::size_t classes)
    : rows_(classes),
      answers_(classes),
      right_(classes),
      pairs_(classes <= most_pairs ? classes * classes : 0) {}

void Confusion::add(std::size_t label, std::size_t answer) {
    ++total_;
    ++rows_[label];
    ++answers_[answer];
    if (label == answer) {
        ++correct_;
        ++right_[label];
    }
    if (has_pairs()) {
        ++pairs_[label * classes() + answer];
    }
}

std::vector<Confusion::Mistake> Confusion::mistakes(std::size_t most) const {
    std::vector<Mistake> found;
    for (std::size_t label = 0; has_pairs() && label < classes(); ++label) {
        for (std::size_t answer = 0; answer < classes(); ++answer) {
            if (label != answer && pair(label, answer) > 0) {
                found.push_back({label, answer, pair(label, answer)});
            }
        }
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const Mistake& a, const Mistake& b) { return a.rows > b.rows; });
    found.resize(std::min(found.size(), most));
    return found;
}

}  // namespace lacuna
