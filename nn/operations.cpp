// SPDX-License-Identifier: Apache-2.0
#include "nn/operations.h"

#include <array>

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
    std::array<bool, ModelLimits::degree + 1> needed{};
    OperationCounts each;
    std::size_t terms = 0;
    for (std::size_t i = activation.degree(); i >= 1; --i) {
        const mpz_class& coefficient = activation.coefficients[i];
        if (coefficient != 0) {
            ++terms;
            each.pt_ct_mults += i >= 2 && coefficient == 1 ? 0 : 1;
            needed[i] = true;
        }
        if (i >= 2 && needed[i]) {
            needed[i / 2] = true;
            needed[i - i / 2] = true;
            ++each.ct_ct_mults;
        }
    }
    each.ct_ct_adds = terms - 1;
    each.pt_ct_adds = activation.coefficients[0] != 0 ? 1 : 0;
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

ModelOperations count_operations(const Model& model) {
    validate(model, "model '" + model.name + "'");
    const std::vector<Shape> shapes = model.shapes();
    ModelOperations operations;
    for (std::size_t l = 0; l < model.layers.size(); ++l) {
        const Layer& layer = model.layers[l];
        OperationCounts counts;
        if (const auto* activation = std::get_if<Activation>(&layer.kind)) {
            counts = activation_counts(*activation, shapes[l].size());
        } else if (is_linear(layer)) {
            counts = linear_counts(linear_map(layer, shapes[l]), std::holds_alternative<SumPool>(layer.kind));
        }
        operations.layers.push_back({layer.name, counts});
    }
    return operations;
}

}  // namespace lacuna
