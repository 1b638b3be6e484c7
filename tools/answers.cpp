// SPDX-License-Identifier: Apache-2.0
#include "tools/answers.h"

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <string>

#include <lacuna/nn/model/reference.h>
#include "tools/json_output.h"
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

void print_csv(const ClientPlan& plan, const Logits& logits) {
    std::cout << "image,class,margin";
    for (std::size_t i = 0; i < plan.classes; ++i) {
        std::cout << ",logit" << i;
    }
    std::cout << '\n';
    for (std::size_t image = 0; image < logits.size(); ++image) {
        const Answer answer = answer_of(logits[image]);
        std::cout << image << ',' << answer.label << ',' << answer.margin;
        for (const mpz_class& logit : logits[image]) {
            std::cout << ',' << logit;
        }
        std::cout << '\n';
    }
}

void print_text(const ClientPlan& plan, const Logits& logits) {
    std::vector<std::string> heads = {"image", "class", "margin"};
    for (std::size_t i = 0; i < plan.classes; ++i) {
        heads.push_back("logit " + std::to_string(i));
    }
    Table table(heads);
    for (std::size_t image = 0; image < logits.size(); ++image) {
        const Answer answer = answer_of(logits[image]);
        std::vector<std::string> cells = {std::to_string(image), std::to_string(answer.label),
                                          answer.margin.get_str()};
        for (const mpz_class& logit : logits[image]) {
            cells.push_back(logit.get_str());
        }
        table.add(std::move(cells));
    }
    std::cout << table;
}

}  // namespace

nlohmann::ordered_json answers_json(const Logits& logits) {
    nlohmann::ordered_json images = nlohmann::ordered_json::array();
    for (const auto& row : logits) {
        const Answer answer = answer_of(row);
        nlohmann::ordered_json values = nlohmann::ordered_json::array();
        for (const mpz_class& logit : row) {
            values.push_back(integer_json(logit));
        }
        images.push_back(
            {{"class", answer.label}, {"logits", values}, {"margin", integer_json(answer.margin)}});
    }
    return images;
}

void print_answers(const ClientPlan& plan, const Logits& logits, AnswerForm form) {
    switch (form) {
        case AnswerForm::json:
            print_json_document(
                {{"model", plan.model}, {"scale", plan.output_scale}, {"images", answers_json(logits)}});
            return;
        case AnswerForm::csv:
            print_csv(plan, logits);
            return;
        case AnswerForm::text:
            print_text(plan, logits);
            return;
    }
}

}  // namespace lacuna
