// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <lacuna/nn/model/input_features.h>
#include <lacuna/nn/model/strict_json.h>

/// How an input is quantised, as models and the client's half of a plan write it into their object "input":
/// "thresholds", one list or a list for each channel or element, and "low" and "high", what pixels 0 and 255
/// stand for. Inside the library only.
namespace lacuna::strict_json {

/// features_known: whether the document's version has them. Checks the type of every value; check_input()
/// does the rest.
void read_input(const json& input, const FieldPath& place, bool features_known, std::vector<int>& thresholds,
                InputFeatures& features);

/// The field "thresholds", and the fields "low" and "high" where there are ranges.
[[nodiscard]] json thresholds_json(const std::vector<int>& thresholds, const InputFeatures& features);
[[nodiscard]] json low_json(const InputFeatures& features);
[[nodiscard]] json high_json(const InputFeatures& features);

}  // namespace lacuna::strict_json
