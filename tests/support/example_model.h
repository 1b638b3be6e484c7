// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>

namespace lacuna {

/// A model with a layer of every kind.
inline const std::string example = R"({
  "format": "lacuna-model",
  "version": 1,
  "name": "example",
  "description": "one sentence \u00e9",
  "provenance": {"command": "train", "more": {"list": [1, 2.5, null]}},
  "input": {"shape": [1, 5, 5], "thresholds": [64, 128, 192]},
  "layers": [
    {"type": "convolution", "name": "conv1", "kernel": [3, 3], "stride": [2, 2], "padding": [1, 1],
      "weights": {"rows": 2, "columns": 9, "terms": [[[0, 1], [7, -4]], []]}, "bias": [0, 3]},
    {"type": "activation", "name": "act1", "coefficients": [2, 4, 1]},
    {"type": "sum_pool", "name": "pool1", "window": [2, 2], "stride": [1, 1], "padding": [0, 0]},
    {"type": "flatten", "name": "flatten"},
    {"type": "dense", "name": "fc1",
      "weights": {"rows": 2, "columns": 8, "values": [[1, 0, -8, 0, 0, 0, 0, 1073741824], [0, 2, 0, 0, 0, 0, 0, 0]]},
      "bias": [0, "123456789012345678901234567890"]}
  ],
  "output": {"scale": 0.25}
})";

inline std::string error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

inline void expect_starts(const std::string& text, const std::string& start) {
    EXPECT_EQ(text.substr(0, start.size()), start);
}

}  // namespace lacuna
