// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include <pybind11/pybind11.h>

#include <lacuna/nn/client/client_plan.h>
#include <lacuna/nn/model/model.h>
#include <lacuna/nn/model/reference.h>
#include <lacuna/nn/plan/plan.h>

namespace lacuna::python {

/// A model and its exact evaluation.
struct HeldModel {
    std::shared_ptr<const Model> model;
    std::shared_ptr<const Reference> reference;
};

/// A plan, never changed.
struct HeldPlan {
    std::shared_ptr<const Plan> plan;
};

/// The client's half, never changed.
struct HeldClientPlan {
    std::shared_ptr<const ClientPlan> plan;
};

/// Of a Plan or a ClientPlan. Throws InputError for anything else.
[[nodiscard]] std::shared_ptr<const ClientPlan> client_plan_of(const pybind11::object& plan);

/// Model and evaluation.
void bind_model(pybind11::module_& module);
/// plan(), Plan, its parts, and ClientPlan.
void bind_plan(pybind11::module_& module);

}  // namespace lacuna::python
