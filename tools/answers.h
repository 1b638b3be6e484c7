// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
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

/// A class, and by how much its logit, times the scale, is below the largest.
struct RankedClass {
    std::size_t index = 0;
    double margin = 0;
};

/// The `count` classes of largest logits (all, where there are fewer), the largest first; of equal ones the
/// lower index first, as argmax() has it.
[[nodiscard]] std::vector<RankedClass> ranked_classes(const std::vector<mpz_class>& logits, double scale,
                                                      std::size_t count);

/// Logits times the model's output scale.
[[nodiscard]] std::vector<double> scaled_logits(const std::vector<mpz_class>& logits, double scale);
/// exp(x_i) over the sum of all.
[[nodiscard]] std::vector<double> softmax(const std::vector<double>& logits);

}  // namespace lacuna
