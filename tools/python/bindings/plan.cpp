// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <pybind11/stl.h>

#include <lacuna/nn/client/tensor_file.h>
#include "tools/machine_speed.h"
#include "tools/plan_text.h"
#include "tools/python/bindings/arrays.h"
#include "tools/python/bindings/calls.h"
#include "tools/python/bindings/contents.h"
#include "tools/python/bindings/model.h"

namespace lacuna::python {

namespace py = pybind11;
using namespace pybind11::literals;

namespace {

/// None for "auto".
std::optional<Packing> packing_of(const std::string& name) {
    if (name == "auto") {
        return std::nullopt;
    }
    const std::optional<Packing> packing = find_packing(name);
    if (!packing) {
        throw InputError("packing: expected auto, " + packing_names() + ", found '" + name + "'");
    }
    return packing;
}

/// True and False stand for the default and for none.
int privacy_of(const std::variant<bool, int>& circuit_privacy) {
    if (const bool* wanted = std::get_if<bool>(&circuit_privacy)) {
        return *wanted ? default_privacy_bits : 0;
    }
    return std::get<int>(circuit_privacy);
}

HeldPlan make(const HeldModel& model, std::size_t batch, const std::string& packing,
              const std::variant<bool, int>& circuit_privacy, int security, std::size_t plain_moduli,
              bool public_encryption) {
    PlanRequest request;
    request.batch = batch;
    request.packing = packing_of(packing);
    request.privacy_bits = privacy_of(circuit_privacy);
    request.security = security;
    request.plain_moduli = plain_moduli;
    request.public_encryption = public_encryption;
    return interruptible_of_values(1, [&](const RunControl& control) {
        return HeldPlan{std::make_shared<const Plan>(make_plan(*model.model, request, control.stop))};
    });
}

HeldPlan load_plan(const py::object& source, const HeldModel& model) {
    const Contents contents(source, "plan");
    return interruptible_of_values(1, [&](const RunControl& control) {
        return HeldPlan{std::make_shared<const Plan>(
            contents.path() != nullptr
                ? load_compiled_plan(*contents.path(), *model.model, control.stop)
                : parse_compiled_plan(contents.text(), *model.model, contents.name(), control.stop))};
    });
}

std::vector<std::string> moduli_texts(const ClientPlan& plan) {
    std::vector<std::string> texts;
    for (const PlainModulus& t : plan.plain_moduli()) {
        texts.push_back(to_string(t));
    }
    return texts;
}

HeldClientPlan load_client_plan_from(const py::object& source) {
    const Contents contents(source, "client plan");
    return interruptible_of_values(1, [&](const RunControl& control) {
        return HeldClientPlan{std::make_shared<const ClientPlan>(
            contents.path() != nullptr ? load_client_plan(*contents.path(), control.stop)
                                       : parse_client_plan(contents.text(), contents.name()))};
    });
}

/// What both halves say.
template <typename Held, typename Half>
void bind_common(py::class_<Held>& plan, const Half& half) {
    plan.def_property_readonly("model", [half](const Held& self) { return half(self).model; })
        .def_property_readonly(
            "packing", [half](const Held& self) { return std::string(packing_name(half(self).packing)); })
        .def_property_readonly("batch", [half](const Held& self) { return half(self).batch; })
        .def_property_readonly("input_shape",
                               [half](const Held& self) { return shape_tuple(half(self).input_shape); })
        .def_property_readonly("classes", [half](const Held& self) { return half(self).classes; })
        .def_property_readonly("output_scale", [half](const Held& self) { return half(self).output_scale; })
        .def_property_readonly("circuit_privacy",
                               [half](const Held& self) { return half(self).privacy_bits; })
        .def_property_readonly("security",
                               [half](const Held& self) { return half(self).parameters.security; })
        .def_property_readonly("parameters", [half](const Held& self) { return half(self).parameters; })
        .def_property_readonly("n", [half](const Held& self) { return half(self).parameters.n; })
        .def_property_readonly("plain_moduli", [half](const Held& self) { return moduli_texts(half(self)); });
}

std::string title(const char* type, const ClientPlan& plan) {
    return std::string(type) + "('" + plan.model + "', batch=" + std::to_string(plan.batch) + ", packing='" +
           packing_name(plan.packing) + "', circuit_privacy=" + std::to_string(plan.privacy_bits) + ")";
}

void bind_steps(py::module_& module) {
    py::class_<PlanStep>(module, "PlanStep", "A line of the printed plan.")
        .def_readonly("name", &PlanStep::name)
        .def_readonly("elements", &PlanStep::elements)
        .def_readonly("limbs", &PlanStep::limbs)
        .def_readonly("size", &PlanStep::size)
        .def_readonly("budget_bits", &PlanStep::budget_bits)
        .def_readonly("noise_bits", &PlanStep::noise_bits)
        .def_property_readonly("cost", [](const PlanStep& self) { return self.cost * 1e-9; })
        .def_readonly("reason", &PlanStep::reason)
        .def("__repr__", [](const PlanStep& self) {
            return "PlanStep('" + self.name + "', elements=" + std::to_string(self.elements) +
                   ", limbs=" + std::to_string(self.limbs) + ")";
        });
}

}  // namespace

std::shared_ptr<const ClientPlan> client_plan_of(const py::object& plan) {
    if (py::isinstance<HeldClientPlan>(plan)) {
        return plan.cast<const HeldClientPlan&>().plan;
    }
    if (py::isinstance<HeldPlan>(plan)) {
        const std::shared_ptr<const Plan> whole = plan.cast<const HeldPlan&>().plan;
        return {whole, &whole->client};
    }
    throw InputError("plan: expected a Plan or a ClientPlan, found " +
                     py::str(py::type::handle_of(plan).attr("__name__")).cast<std::string>());
}

void bind_plan(py::module_& module) {
    bind_steps(module);
    py::class_<HeldClientPlan> client(
        module, "ClientPlan",
        "The client's half of a plan: what keys, encryption and decryption need. It "
        "names no weight and counts no operation.");
    bind_common(client, [](const HeldClientPlan& self) -> const ClientPlan& { return *self.plan; });
    client.def_static("load", &load_client_plan_from, "source"_a)
        .def("to_bytes", [](const HeldClientPlan& self) { return bytes_of(format_client_plan(*self.plan)); })
        .def_property_readonly("id", [](const HeldClientPlan& self) { return plan_id(*self.plan); })
        .def("__eq__", [](const HeldClientPlan& self,
                          const HeldClientPlan& other) { return *self.plan == *other.plan; })
        .def(py::pickle([](const HeldClientPlan& self) { return bytes_of(format_client_plan(*self.plan)); },
                        [](const py::bytes& state) { return load_client_plan_from(state); }))
        .def("__repr__", [](const HeldClientPlan& self) { return title("ClientPlan", *self.plan); });

    py::class_<HeldPlan> plan(
        module, "Plan",
        "Everything that encrypted inference of a model will do, decided before there is a key.");
    bind_common(plan, [](const HeldPlan& self) -> const ClientPlan& { return self.plan->client; });
    plan.def_property_readonly("client",
                               [](const HeldPlan& self) {
                                   return HeldClientPlan{{self.plan, &self.plan->client}};
                               })
        .def_property_readonly("steps", [](const HeldPlan& self) { return self.plan->steps; })
        .def_property_readonly("operations",
                               [](const HeldPlan& self) { return self.plan->operations.total(); })
        .def_property_readonly("reasons", [](const HeldPlan& self) { return self.plan->reasons; })
        .def_property_readonly("range", [](const HeldPlan& self) { return integer_of(self.plan->range); })
        .def_property_readonly("output_budget_bits",
                               [](const HeldPlan& self) { return self.plan->output_budget_bits; })
        .def_property_readonly("reply_budget_bits",
                               [](const HeldPlan& self) { return self.plan->reply_budget_bits; })
        .def_property_readonly("log_q", [](const HeldPlan& self) { return self.plan->log_q(); })
        .def_property_readonly("log_qp", [](const HeldPlan& self) { return self.plan->log_qp(); })
        .def_property_readonly("cost", [](const HeldPlan& self) { return self.plan->cost() * 1e-9; })
        .def_property_readonly("evaluation_key_bytes",
                               [](const HeldPlan& self) { return self.plan->evaluation_key_bytes(); })
        .def_property_readonly("upload_bytes", [](const HeldPlan& self) { return self.plan->upload_bytes(); })
        .def_property_readonly("reply_bytes",
                               [](const HeldPlan& self) { return self.plan->download_bytes(); })
        .def(
            "estimated_seconds",
            [](const HeldPlan& self) {
                return of_values([&] {
                    return self.plan->cost() * 1e-9 *
                           seconds_per_nominal_second(self.plan->client.parameters);
                });
            },
            "Of one request on one thread of this machine, which is timed for a few milliseconds.")
        .def("to_json", [](const HeldPlan& self) { return format_plan(*self.plan); })
        .def_static("load", &load_plan, "source"_a, "model"_a,
                    "What to_bytes() or `lacuna plan --out` wrote, for the model that it was made for.")
        .def(
            "to_bytes", [](const HeldPlan& self) { return bytes_of(format_compiled_plan(*self.plan)); },
            "The server's plan, without the model: loading it plans nothing anew.")
        .def("__str__",
             [](const HeldPlan& self) {
                 return of_values([&] {
                     return plan_text(*self.plan, seconds_per_nominal_second(self.plan->client.parameters));
                 });
             })
        .def("__repr__", [](const HeldPlan& self) { return title("Plan", self.plan->client); });

    module.def(
        "plan", &make, "model"_a, py::kw_only(), "batch"_a = 1, "packing"_a = "auto",
        "circuit_privacy"_a = true, "security"_a = 128, "plain_moduli"_a = 0, "public_encryption"_a = false,
        "Chooses packing, plaintext moduli, ring, primes and levels for encrypted inference of a model.");
}

}  // namespace lacuna::python
