// SPDX-License-Identifier: Apache-2.0
#include "tools/answers.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <numeric>
#include <sstream>
#include <string>
#include <utility>

#include <lacuna/nn/model/reference.h>
#include "tools/json_output.h"
#include "tools/quantity.h"
#include "tools/table.h"

namespace lacuna {

namespace {

struct Answer {
    std::size_t label = 0;
    mpz_class
        margin;  ///< the largest logit less the second largest; the logit itself where it is the only one
};

Answer answer_of(const std::vector<mpz_class>& logits) {
    Answer answer{argmax(logits), logits[argmax(logits)]};
    const mpz_class largest = answer.margin;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (i != answer.label) {
            const mpz_class margin = largest - logits[i];
            answer.margin =
                logits.size() > 1 && answer.margin == largest ? margin : std::min(answer.margin, margin);
        }
    }
    return answer;
}

/// A JSON integer where every reader has it exactly, else a string.
nlohmann::ordered_json integer_json(const mpz_class& value) {
    if (mpz_sizeinbase(value.get_mpz_t(), 2) <= 53) {
        return static_cast<std::int64_t>(value.get_d());  // exact
    }
    return value.get_str();
}

/// Nine significant digits: these are for reading, the integers are exact.
std::string real_text(double value) {
    std::ostringstream text;
    text << std::setprecision(9) << value;
    return text.str();
}

void print_csv(const ClientPlan& plan, const Logits& logits, bool probabilities) {
    std::cout << "image,class,margin";
    for (const char* column : {"logit", "scaled", "probability"}) {
        for (std::size_t i = 0; i < plan.classes && (probabilities || *column != 'p'); ++i) {
            std::cout << ',' << column << i;
        }
    }
    std::cout << '\n';
    for (std::size_t image = 0; image < logits.size(); ++image) {
        const Answer answer = answer_of(logits[image]);
        std::cout << image << ',' << answer.label << ',' << answer.margin;
        for (const mpz_class& logit : logits[image]) {
            std::cout << ',' << logit;
        }
        const std::vector<double> scaled = scaled_logits(logits[image], plan.output_scale);
        for (const double value : scaled) {
            std::cout << ',' << real_text(value);
        }
        if (probabilities) {
            for (const double value : softmax(scaled)) {
                std::cout << ',' << real_text(value);
            }
        }
        std::cout << '\n';
    }
}

/// A logit and, in brackets, the same times the scale.
void print_text(const ClientPlan& plan, const Logits& logits, bool probabilities) {
    std::vector<std::string> heads = {"image", "class", "margin"};
    for (const char* column : {"logit ", "p "}) {
        for (std::size_t i = 0; i < plan.classes && (probabilities || *column != 'p'); ++i) {
            heads.push_back(column + std::to_string(i));
        }
    }
    Table table(heads);
    for (std::size_t image = 0; image < logits.size(); ++image) {
        const Answer answer = answer_of(logits[image]);
        std::vector<std::string> cells = {std::to_string(image), std::to_string(answer.label),
                                          answer.margin.get_str()};
        const std::vector<double> scaled = scaled_logits(logits[image], plan.output_scale);
        for (std::size_t i = 0; i < scaled.size(); ++i) {
            cells.push_back(logits[image][i].get_str() + " (" + decimal_text(scaled[i], 2) + ")");
        }
        if (probabilities) {
            for (const double value : softmax(scaled)) {
                cells.push_back(decimal_text(value, 4));
            }
        }
        table.add(std::move(cells));
    }
    std::cout << table << "  (logit: the integer that was computed; in brackets times the model's scale)\n";
}

}  // namespace

std::vector<RankedClass> ranked_classes(const std::vector<mpz_class>& logits, double scale,
                                        std::size_t count) {
    std::vector<std::size_t> order(logits.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
    order.resize(std::min(count, order.size()));
    std::vector<RankedClass> ranked;
    for (const std::size_t index : order) {
        const mpz_class below = logits[order.front()] - logits[index];
        ranked.push_back({index, below.get_d() * scale});
    }
    return ranked;
}

std::vector<double> scaled_logits(const std::vector<mpz_class>& logits, double scale) {
    std::vector<double> scaled;
    for (const mpz_class& logit : logits) {
        scaled.push_back(logit.get_d() * scale);
    }
    return scaled;
}

std::vector<double> softmax(const std::vector<double>& logits) {
    const double largest = *std::max_element(logits.begin(), logits.end());
    std::vector<double> result;
    double sum = 0;
    for (const double logit : logits) {  // at most 1 each: nothing overflows
        result.push_back(std::exp(logit - largest));
        sum += result.back();
    }
    for (double& value : result) {
        value /= sum;
    }
    return result;
}

nlohmann::ordered_json answers_json(const ClientPlan& plan, const Logits& logits,
                                    Probabilities probabilities) {
    nlohmann::ordered_json images = nlohmann::ordered_json::array();
    for (const auto& row : logits) {
        const Answer answer = answer_of(row);
        nlohmann::ordered_json values = nlohmann::ordered_json::array();
        for (const mpz_class& logit : row) {
            values.push_back(integer_json(logit));
        }
        const std::vector<double> scaled = scaled_logits(row, plan.output_scale);
        images.push_back({{"class", answer.label},
                          {"logits", values},
                          {"margin", integer_json(answer.margin)},
                          {"scaled", scaled}});
        if (probabilities == Probabilities::show) {
            images.back()["probabilities"] = softmax(scaled);
        }
    }
    return images;
}

void print_answers(const ClientPlan& plan, const Logits& logits, AnswerForm form,
                   Probabilities probabilities) {
    switch (form) {
        case AnswerForm::json:
            print_json_document({{"model", plan.model},
                                 {"scale", plan.output_scale},
                                 {"images", answers_json(plan, logits, probabilities)}});
            return;
        case AnswerForm::csv:
            print_csv(plan, logits, probabilities == Probabilities::show);
            return;
        case AnswerForm::text:
            print_text(plan, logits, probabilities == Probabilities::show);
            return;
    }
}

}  // namespace lacuna
