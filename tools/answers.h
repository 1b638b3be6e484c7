// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <gmpxx.h>
#include <nlohmann/json.hpp>

#include <lacuna/nn/client/client_plan.h>

namespace lacuna {

/// [image][class], as Client::decrypt() returns them.
using Logits = std::vector<std::vector<mpz_class>>;

enum class AnswerForm { text, csv, json };

/// Class, margin and logits of every image, on standard output.
void print_answers(const ClientPlan& plan, const Logits& logits, AnswerForm form);

/// The list of images of the JSON form.
[[nodiscard]] nlohmann::ordered_json answers_json(const Logits& logits);

}  // namespace lacuna
