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

/// Whether the softmax of the scaled logits is printed too.
enum class Probabilities : bool { omit, show };

/// Class, margin and logits of every image, on standard output: the integers that were computed, and, times
/// the model's output scale, what the trained network says.
void print_answers(const ClientPlan& plan, const Logits& logits, AnswerForm form,
                   Probabilities probabilities = Probabilities::omit);

/// The list of images of the JSON form.
[[nodiscard]] nlohmann::ordered_json answers_json(const ClientPlan& plan, const Logits& logits,
                                                  Probabilities probabilities = Probabilities::omit);

/// Logits times the model's output scale.
[[nodiscard]] std::vector<double> scaled_logits(const std::vector<mpz_class>& logits, double scale);
/// exp(x_i) over the sum of all.
[[nodiscard]] std::vector<double> softmax(const std::vector<double>& logits);

}  // namespace lacuna
