// SPDX-License-Identifier: Apache-2.0
#include "tools/training_record.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include <nlohmann/json.hpp>

#include "tools/terminal_text.h"

namespace lacuna {

namespace {

using nlohmann::json;

/// One data set that a network was trained on.
struct TrainingSet {
    std::string name;
    DataPart part = DataPart::unknown;
};

/// What a provenance says.
struct TrainingRecord {
    bool complete = false;  ///< nothing else was trained on
    std::vector<TrainingSet> sets;
};

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

std::string text_field(const json& object, const char* field) {
    return object.is_object() && object.contains(field) && object[field].is_string()
               ? object[field].get<std::string>()
               : std::string();
}

TrainingRecord record_of(const std::string& provenance) {
    const json document = json::parse(provenance, nullptr, false);
    TrainingRecord record;
    if (!document.is_object()) {
        return record;
    }
    if (document.contains("trained_on") && document["trained_on"].is_array()) {
        for (const json& entry : document["trained_on"]) {
            const std::string part = text_field(entry, "part");
            record.sets.push_back({text_field(entry, "data"), part == "train"  ? DataPart::train
                                                              : part == "test" ? DataPart::test
                                                                               : DataPart::unknown});
        }
        record.complete = true;
    } else if (text_field(document, "command").starts_with("tools/train/run.py")) {
        // Written before provenances named the data: that script trains on MNIST's training set alone.
        record.sets.push_back({"mnist", DataPart::train});
        record.complete = true;
    }
    if (document.contains("retrained_on") && document["retrained_on"].is_array()) {
        for (const json& entry : document["retrained_on"]) {
            if (entry.is_string()) {
                record.sets.push_back({entry.get<std::string>(), DataPart::unknown});
            }
        }
    }
    return record;
}

bool may_be(const TrainingSet& set, const DataSet& data) {
    const bool other_part =
        set.part != DataPart::unknown && data.part != DataPart::unknown && set.part != data.part;
    // A folder with both parts is named as a whole where a network is retrained, and read for its training
    // set.
    const bool held_back = set.part == DataPart::unknown && data.part == DataPart::test;
    return lower(set.name) == lower(data.name) && !other_part && !held_back;
}

}  // namespace

DataWorth worth_of(const std::string& provenance, const DataSet& data, bool unseen) {
    if (unseen) {
        return {Seen::no, ""};
    }
    const TrainingRecord record = record_of(provenance);
    const bool named = std::any_of(record.sets.begin(), record.sets.end(),
                                   [&](const TrainingSet& set) { return may_be(set, data); });
    if (named) {
        return {Seen::yes,
                "the network was trained on these data, as its file says: expect less on new ones"};
    }
    if (!record.complete) {
        return {
            Seen::possibly,
            "the model file does not say what the network was trained on, which may be these data: expect "
            "less on new ones, or say --unseen if they are new"};
    }
    if (data.part == DataPart::test) {
        return {Seen::no, ""};
    }
    std::string names;
    for (const TrainingSet& set : record.sets) {
        names += (names.empty() ? "" : ", ") + terminal_text(set.name);
    }
    return {Seen::possibly,
            "the model file says that the network was trained on " + (names.empty() ? "nothing" : names) +
                ", and nothing says that these data are others: expect less on new ones, or say "
                "--unseen if they are new"};
}

const char* seen_text(Seen seen) {
    switch (seen) {
        case Seen::no:
            return "no";
        case Seen::yes:
            return "yes";
        case Seen::possibly:
            return "possibly";
    }
    return "";
}

}  // namespace lacuna
