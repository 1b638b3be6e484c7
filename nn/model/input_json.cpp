// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/input_json.h>

#include <string>

#include <lacuna/nn/model/model_limits.h>

namespace lacuna::strict_json {

namespace {

void check_count(const json& list, const FieldPath& place) {
    if (array(list, place).size() > ModelLimits::input_features) {
        fail(place, "at most " + std::to_string(ModelLimits::input_features) + " entries",
             std::to_string(list.size()), "give one for each channel");
    }
}

}  // namespace

void read_input(const json& input, const FieldPath& place, bool features_known, std::vector<int>& thresholds,
                InputFeatures& features) {
    const FieldPath thresholds_at(place, "thresholds");
    const json& lists = member(input, place, "thresholds");
    if (features_known && lists.is_array() && !lists.empty() && lists.front().is_array()) {
        check_count(lists, thresholds_at);
        for (std::size_t i = 0; i < lists.size(); ++i) {
            features.thresholds.push_back(strict_json::thresholds(lists[i], FieldPath(thresholds_at, i)));
        }
    } else {
        thresholds = strict_json::thresholds(lists, thresholds_at);
    }
    if (!features_known || (!input.contains("low") && !input.contains("high"))) {
        return;
    }
    const FieldPath low_at(place, "low");
    const FieldPath high_at(place, "high");
    const json& low = member(input, place, "low");
    const json& high = member(input, place, "high");
    check_count(low, low_at);
    array_of(high, high_at, low.size());
    if (low.empty()) {
        fail(low_at, "a number for each channel or element", "none", "leave low and high out");
    }
    for (std::size_t i = 0; i < low.size(); ++i) {
        features.ranges.push_back(
            {number(low[i], FieldPath(low_at, i)), number(high[i], FieldPath(high_at, i))});
    }
}

json thresholds_json(const std::vector<int>& thresholds, const InputFeatures& features) {
    return features.thresholds.empty() ? json(thresholds) : json(features.thresholds);
}

json low_json(const InputFeatures& features) {
    json list = json::array();
    for (const InputRange& range : features.ranges) {
        list.push_back(range.low);
    }
    return list;
}

json high_json(const InputFeatures& features) {
    json list = json::array();
    for (const InputRange& range : features.ranges) {
        list.push_back(range.high);
    }
    return list;
}

}  // namespace lacuna::strict_json
