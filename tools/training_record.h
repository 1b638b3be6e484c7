// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tools/data_set.h"

namespace lacuna {

/// Whether a network may have seen data in its training.
enum class Seen { no, yes, possibly };

/// What an accuracy on some data is worth.
struct DataWorth {
    Seen seen = Seen::possibly;
    std::string
        note;  ///< a sentence for the reader of the accuracy; empty where the network has not seen them
};

/// Judges data by what a model file's provenance notes of the training (nn/model/model_format.md):
/// "trained_on" and "retrained_on", or that the project's own script trained it. Where the provenance does
/// not say, or does not know the data, they are possibly seen. unseen: the user's word that the network was
/// not trained on them.
[[nodiscard]] DataWorth worth_of(const std::string& provenance, const DataSet& data, bool unseen);

/// "no", "yes" or "possibly".
[[nodiscard]] const char* seen_text(Seen seen);

}  // namespace lacuna
