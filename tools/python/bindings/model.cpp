// SPDX-License-Identifier: Apache-2.0
#include "tools/python/bindings/model.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <lacuna/nn/model/ranges.h>
#include <lacuna/nn/program/operations.h>
#include "tools/python/bindings/arrays.h"
#include "tools/python/bindings/calls.h"
#include "tools/python/bindings/contents.h"
#include "tools/shipped_models.h"

namespace lacuna::python {

namespace py = pybind11;
using namespace pybind11::literals;

namespace {

using Logits = std::vector<std::vector<mpz_class>>;

constexpr std::size_t images_between_checks = 64;  // of a thread: a second or less

HeldModel hold(Model model) {
    HeldModel held{std::make_shared<const Model>(std::move(model)), nullptr};
    held.reference = std::make_shared<const Reference>(*held.model);
    return held;
}

HeldModel load_model_from(const py::object& source) {
    const Contents contents(source, "model");
    return interruptible_of_values(1, [&](const RunControl& control) {
        return hold(contents.path() != nullptr ? load_model(*contents.path(), control.stop)
                                               : parse_model(contents.text(), contents.name(), control.stop));
    });
}

Logits evaluate(const HeldModel& self, const py::object& images, std::optional<int> threads) {
    const std::vector<std::uint8_t> pixels =
        image_pixels(images, self.model->input_shape, self.model->features);
    return interruptible_of_values(threads, [&](const RunControl& control) {
        const std::size_t size = self.reference->image_size();
        const std::size_t block = images_between_checks * static_cast<std::size_t>(control.threads) * size;
        Logits logits;
        for (std::size_t begin = 0; begin < pixels.size(); begin += block) {
            control.check();
            const auto part = std::span(pixels).subspan(begin, std::min(block, pixels.size() - begin));
            for (auto& row : self.reference->batch_logits(part, control.threads)) {
                logits.push_back(std::move(row));
            }
        }
        return logits;
    });
}

std::vector<std::string> shipped_names() {
    std::vector<std::string> names;
    for (const ShippedModel& model : shipped_model_files()) {
        names.emplace_back(model.name);
    }
    return names;
}

HeldModel shipped(const std::string& name) {
    const auto models = shipped_model_files();
    const auto found = std::ranges::find(models, name, &ShippedModel::name);
    if (found == models.end()) {
        std::string names;
        for (const ShippedModel& model : models) {
            names.append(names.empty() ? "" : ", ").append(model.name);
        }
        throw InputError("name: expected one of " + names + ", found '" + name + "'");
    }
    return interruptible_of_values(
        1, [&](const RunControl& control) { return hold(parse_model(found->text, name, control.stop)); });
}

std::vector<std::pair<double, double>> ranges_of(const InputFeatures& features) {
    std::vector<std::pair<double, double>> ranges;
    for (const InputRange& range : features.ranges) {
        ranges.emplace_back(range.low, range.high);
    }
    return ranges;
}

/// [(layer, (low, high))] over all elements, the input first.
py::list ranges(const HeldModel& self) {
    const SlotRanges ranges = of_values([&] { return slot_ranges(*self.model); });
    py::list list;
    for (std::size_t layer = 0; layer < ranges.values.size(); ++layer) {
        const Interval whole = hull(ranges.values[layer]);
        list.append(py::make_tuple(layer == 0 ? "input" : self.model->layers[layer - 1].name,
                                   py::make_tuple(integer_of(whole.low), integer_of(whole.high))));
    }
    return list;
}

std::string layers_text(const Model& model) {
    std::string text;
    for (const Layer& layer : model.layers) {
        text += (text.empty() ? "" : ", ") + layer.name;
    }
    return text;
}

}  // namespace

void bind_model(py::module_& module) {
    py::class_<OperationCounts>(
        module, "OperationCounts",
        "Homomorphic operations: PT-CT has one plaintext operand, CT-CT two ciphertexts.")
        .def_readonly("pt_ct_adds", &OperationCounts::pt_ct_adds)
        .def_readonly("ct_ct_adds", &OperationCounts::ct_ct_adds)
        .def_readonly("pt_ct_mults", &OperationCounts::pt_ct_mults)
        .def_readonly("ct_ct_mults", &OperationCounts::ct_ct_mults)
        .def_property_readonly("total", &OperationCounts::total)
        .def("__repr__", [](const OperationCounts& self) {
            return "OperationCounts(pt_ct_adds=" + std::to_string(self.pt_ct_adds) +
                   ", ct_ct_adds=" + std::to_string(self.ct_ct_adds) +
                   ", pt_ct_mults=" + std::to_string(self.pt_ct_mults) +
                   ", ct_ct_mults=" + std::to_string(self.ct_ct_mults) + ")";
        });
    module.def("shipped_models", &shipped_names, "The names of the models that come with the package.");
    py::class_<HeldModel>(module, "Model", "An integer network, as a *.lacuna.json holds it.")
        .def_static("load", &load_model_from, "source"_a)
        .def_static("shipped", &shipped, "name"_a,
                    "One that comes with the package: shipped_models() has the names.")
        .def("to_bytes",
             [](const HeldModel& self) {
                 return bytes_of(of_values([&] { return format_model(*self.model); }));
             })
        .def(
            "evaluate",
            [](const HeldModel& self, const py::object& images, std::optional<int> threads) {
                return array_of(evaluate(self, images, threads));
            },
            "images"_a, "threads"_a = py::none(),
            "The exact logits, (images, classes), as encrypted inference finds them, without encryption.")
        .def(
            "classify",
            [](const HeldModel& self, const py::object& images, std::optional<int> threads) {
                std::vector<std::int64_t> classes;
                for (const auto& logits : evaluate(self, images, threads)) {
                    classes.push_back(static_cast<std::int64_t>(argmax(logits)));
                }
                return array_of(classes);
            },
            "images"_a, "threads"_a = py::none(), "The index of each image's largest logit.")
        .def("ranges", &ranges, "[(layer, (lowest, highest))], the input first: proven for any image.")
        .def(
            "operations",
            [](const HeldModel& self) {
                std::vector<std::pair<std::string, OperationCounts>> counts;
                for (const auto& layer : of_values([&] { return count_operations(*self.model); }).layers) {
                    counts.emplace_back(layer.name, layer.counts);
                }
                return counts;
            },
            "[(layer, OperationCounts)] of one inference, one ciphertext an element.")
        .def_property_readonly("name", [](const HeldModel& self) { return self.model->name; })
        .def_property_readonly("description", [](const HeldModel& self) { return self.model->description; })
        .def_property_readonly("provenance",
                               [](const HeldModel& self) {
                                   return py::module_::import("json").attr("loads")(self.model->provenance);
                               })
        .def_property_readonly("input_shape",
                               [](const HeldModel& self) { return shape_tuple(self.model->input_shape); })
        .def_property_readonly("thresholds",
                               [](const HeldModel& self) -> py::object {
                                   return self.model->features.thresholds.empty()
                                              ? py::cast(self.model->thresholds)
                                              : py::cast(self.model->features.thresholds);
                               })
        .def_property_readonly("input_ranges",
                               [](const HeldModel& self) { return ranges_of(self.model->features); })
        .def_property_readonly("layers",
                               [](const HeldModel& self) {
                                   std::vector<std::string> names;
                                   for (const Layer& layer : self.model->layers) {
                                       names.push_back(layer.name);
                                   }
                                   return names;
                               })
        .def_property_readonly("classes", [](const HeldModel& self) { return self.model->classes(); })
        .def_property_readonly("output_scale", [](const HeldModel& self) { return self.model->output_scale; })
        .def(py::pickle([](const HeldModel& self) { return bytes_of(format_model(*self.model)); },
                        [](const py::bytes& state) { return load_model_from(state); }))
        .def("__repr__", [](const HeldModel& self) {
            return "Model('" + self.model->name + "': " + layers_text(*self.model) + ")";
        });
}

}  // namespace lacuna::python
