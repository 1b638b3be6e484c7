// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include <lacuna/nn/plan/plan.h>

namespace lacuna {

namespace {

using nlohmann::ordered_json;

ordered_json counts_json(const OperationCounts& counts) {
    return {{"pt_ct_adds", counts.pt_ct_adds},
            {"ct_ct_adds", counts.ct_ct_adds},
            {"pt_ct_mults", counts.pt_ct_mults},
            {"ct_ct_mults", counts.ct_ct_mults},
            {"total", counts.total()}};
}

ordered_json binomials_json(const Parameters& parameters) {
    ordered_json list = ordered_json::array();
    for (const PlainModulus& t : parameters.plain_polynomials) {
        list.push_back({{"power", t.power()}, {"base", t.base()}});
    }
    return list;
}

}  // namespace

std::string format_plan(const Plan& plan) {
    ordered_json steps = ordered_json::array();
    for (const PlanStep& step : plan.steps) {
        steps.push_back({{"name", step.name},
                         {"elements", step.elements},
                         {"limbs", step.limbs},
                         {"parts", step.size},
                         {"form", "coefficient"},
                         {"noise_budget_bits", step.budget_bits},
                         {"nominal_nanoseconds", step.cost},
                         {"reason", step.reason}});
    }
    ordered_json layers = ordered_json::array();
    for (const LayerOperations& layer : plan.operations.layers) {
        ordered_json row = {{"name", layer.name}};
        row.update(counts_json(layer.counts));
        layers.push_back(std::move(row));
    }
    ordered_json hops = counts_json(plan.operations.total());
    hops["moduli"] = plan.moduli();
    hops["layers"] = std::move(layers);
    const ordered_json document = {
        {"client", ordered_json::parse(format_client_plan(plan.client))},
        {"params",
         {{"n", plan.client.parameters.n},
          {"log_q", plan.log_q()},
          {"log_qp", plan.log_qp()},
          {"plain_moduli", plan.client.parameters.plain_moduli},
          {"plain_polynomials", binomials_json(plan.client.parameters)}}},
        {"range_bits", mpz_sizeinbase(plan.range.get_mpz_t(), 2)},
        {"digit_degree", plan.degree},
        {"predicted_noise_budget_bits",
         {{"output", plan.output_budget_bits}, {"reply", plan.reply_budget_bits}}},
        {"steps", std::move(steps)},
        {"hops", std::move(hops)},
        {"bytes",
         {{"evaluation_keys", plan.evaluation_key_bytes()},
          {"upload", plan.upload_bytes()},
          {"download", plan.download_bytes()}}},
        {"nominal_nanoseconds", plan.cost()},
        {"reasons", plan.reasons},
    };
    return document.dump(2) + "\n";
}

}  // namespace lacuna
