// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/operations.h>

#include <lacuna/nn/program/program.h>

namespace lacuna {

namespace {

OperationCounts linear_counts(const LinearMap& map, bool pool) {
    OperationCounts counts;
    for (std::size_t o = 0; o < map.weights.rows.size(); ++o) {
        const std::size_t terms = map.weights.rows[o].size();
        counts.pt_ct_mults += pool ? 0 : terms;
        counts.ct_ct_adds += terms > 0 ? terms - 1 : 0;
        counts.pt_ct_adds += map.bias[o] != 0 ? 1 : 0;
    }
    return counts;
}

OperationCounts activation_counts(const Activation& activation, std::size_t elements) {
    std::vector<bool> needed;
    for (const mpz_class& coefficient : activation.coefficients) {
        needed.push_back(coefficient != 0);
    }
    OperationCounts each;
    for (const Step& step : activation_steps(needed)) {
        each.ct_ct_mults += step.get_if<ProductStep>() != nullptr ? 1 : 0;
    }
    std::size_t terms = 0;
    for (std::size_t i = 1; i < needed.size(); ++i) {
        terms += needed[i] ? 1 : 0;
        each.pt_ct_mults += needed[i] && (i == 1 || activation.coefficients[i] != 1) ? 1 : 0;
    }
    each.ct_ct_adds = terms - 1;
    each.pt_ct_adds = needed[0] ? 1 : 0;
    return {each.pt_ct_adds * elements, each.ct_ct_adds * elements, each.pt_ct_mults * elements,
            each.ct_ct_mults * elements};
}

}  // namespace

OperationCounts& OperationCounts::operator+=(const OperationCounts& other) {
    pt_ct_adds += other.pt_ct_adds;
    ct_ct_adds += other.ct_ct_adds;
    pt_ct_mults += other.pt_ct_mults;
    ct_ct_mults += other.ct_ct_mults;
    return *this;
}

OperationCounts ModelOperations::total() const {
    OperationCounts sum;
    for (const LayerOperations& layer : layers) {
        sum += layer.counts;
    }
    return sum;
}

ModelOperations count_operations(const ExpandedModel& model) {
    ModelOperations operations;
    for (std::size_t l = 0; l < model.layers().size(); ++l) {
        const Layer& layer = model.layers()[l];
        OperationCounts counts;
        if (const auto* activation = std::get_if<Activation>(&layer.kind)) {
            counts = activation_counts(*activation, model.shapes()[l].size());
        } else if (is_linear(layer)) {
            counts = linear_counts(model.map(l), std::holds_alternative<SumPool>(layer.kind));
        }
        operations.layers.push_back({layer.name, counts});
    }
    return operations;
}

ModelOperations count_operations(const Model& model) {
    return count_operations(ExpandedModel(model));
}

}  // namespace lacuna
