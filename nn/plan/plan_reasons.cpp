// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/plan/plan_reasons.h>

#include <cmath>
#include <optional>

#include <lacuna/he/rlwe/security.h>
#include <lacuna/nn/model/overloaded.h>
#include <lacuna/nn/packing/rules.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

namespace {

std::string bits_text(double bits) {
    std::string text = std::to_string(std::round(bits * 10) / 10);
    return text.substr(0, text.find('.') + 2);
}

}  // namespace

std::vector<std::string> explain(const Plan& plan, std::size_t batch) {
    const Parameters& parameters = plan.client.parameters;
    const std::string count = std::to_string(plan.moduli());
    std::vector<std::string> reasons;
    const PackingRules known = rules_of(plan.client.packing, plain_power(parameters));
    reasons.push_back(std::visit(
        Overloaded{
            [&](const PackedPacking& packed) { return packed.reason(batch, plan.client.packed.images); },
            [&](const auto& rules) { return rules.reason(parameters.n, batch); }},
        known));
    std::visit(
        [&](const auto& rules) {
            reasons.push_back("plaintext moduli: no image brings a " + std::string(rules.decoded) +
                              " beyond 2^" + bits_text(log2_of(plan.range + 1)) + ", so " + count +
                              (plan.moduli() == 1 ? " modulus does" : " moduli joined by CRT do"));
            if (const std::optional<std::string> degree = rules.reason_of_degree(plan.degree)) {
                reasons.push_back(*degree);
            }
        },
        known);
    reasons.push_back("ring: n = " + std::to_string(parameters.n) +
                      " allows log2(QP) <= " + std::to_string(max_log_qp(parameters.n, parameters.security)) +
                      " at " + std::to_string(parameters.security) +
                      " bits (2024 guidelines); this plan uses " + bits_text(plan.log_qp()));
    reasons.push_back("noise: proven to leave " + bits_text(plan.output_budget_bits) +
                      " bits at the output and " + bits_text(plan.reply_budget_bits) + " at the reply" +
                      (plan.client.reply_dropped_bits[0] + plan.client.reply_dropped_bits[1] > 0
                           ? ", once its low bits are left out"
                           : "") +
                      ", for every input, except with probability 2^-128");
    if (plan.client.privacy_bits == 0) {
        reasons.push_back("circuit privacy: off; the reply's noise may say something about the model");
    } else {
        reasons.push_back("circuit privacy: the reply is re-randomised and flooded to within 2^-" +
                          std::to_string(plan.client.privacy_bits));
    }
    return reasons;
}

}  // namespace lacuna
