// SPDX-License-Identifier: Apache-2.0
#include "tools/python/bindings/server.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <pybind11/stl.h>

#include <lacuna/he/files/serialize.h>
#include <lacuna/nn/client/tensor_file.h>
#include <lacuna/nn/server/compiled_model.h>
#include <lacuna/nn/server/key_set.h>
#include <lacuna/nn/server/session.h>
#include "tools/python/bindings/calls.h"
#include "tools/python/bindings/contents.h"
#include "tools/python/bindings/model.h"

namespace lacuna::python {

namespace py = pybind11;
using namespace pybind11::literals;

namespace {

struct HeldCompiledModel {
    std::shared_ptr<const CompiledModel> model;
};

struct HeldSession {
    std::shared_ptr<const Session> session;
    KeySetId keys{};
};

HeldCompiledModel compile(const HeldModel& model, const HeldPlan& plan) {
    return interruptible_of_values(1, [&](const RunControl& /*control*/) {
        return HeldCompiledModel{std::make_shared<const CompiledModel>(*model.model, *plan.plan)};
    });
}

HeldSession open_session(const HeldCompiledModel& compiled, const py::object& evaluation_keys) {
    const Contents contents(evaluation_keys, "evaluation keys");
    return interruptible_of_values(1, [&](const RunControl& /*control*/) {
        const ClientPlan& plan = compiled.model->plan().client;
        auto keys = std::make_shared<const EvaluationKeys>(load(contents, [&](Source& source) {
            return load_evaluation_keys(source, compiled.model->context().ring());
        }));
        check_evaluation_keys(plan, *keys, contents.name());
        const KeySetId id =
            contents.path() != nullptr
                ? read_key_set_id(*contents.path())
                : read_key_set_id(std::span(reinterpret_cast<const std::uint8_t*>(contents.text().data()),
                                            contents.text().size()));
        return HeldSession{std::make_shared<const Session>(compiled.model, std::move(keys)), id};
    });
}

/// The client's half and the key set that the upload names have to be this session's.
void check_head(const HeldSession& self, const Contents& upload) {
    Source source = upload.source();
    const UploadHead head = read_upload_head(source);
    if (head.keys != self.keys) {
        throw InputError(upload.name() + ": expected an upload for the key set " + format_hash(self.keys) +
                         ", found one for " + format_hash(head.keys) +
                         "; open a session with that client's evaluation keys");
    }
}

py::object infer(const HeldSession& self, const py::object& upload, const py::object& out, bool overwrite,
                 std::optional<int> threads) {
    const Contents contents(upload, "upload");
    Destination destination(out, overwrite);
    interruptible_of_values(threads, [&](const RunControl& control) {
        check_head(self, contents);
        const Session& session = *self.session;
        const ClientPlan& plan = session.plan().client;
        Upload images = load(
            contents, [&](Source& source) { return load_upload(source, session.context(), plan, control); });
        destination.write([&](std::ostream& stream) {
            const EncryptedTensor reply = std::visit(
                [&](auto&& tensor) { return session.infer(std::move(tensor), control); }, std::move(images));
            save_reply(stream, session.context().ring(), plan, self.keys, reply);
        });
    });
    return destination.result();
}

HeldPlan plan_of(const std::shared_ptr<const CompiledModel>& model) {
    return {{model, &model->plan()}};
}

}  // namespace

void bind_server(py::module_& module) {
    py::class_<HeldCompiledModel>(
        module, "CompiledModel",
        "A model compiled for a plan, once, to serve any number of clients. It never touches "
        "a secret key.")
        .def(py::init(&compile), "model"_a, "plan"_a)
        .def_property_readonly("plan", [](const HeldCompiledModel& self) { return plan_of(self.model); })
        .def_property_readonly("prepared_bytes",
                               [](const HeldCompiledModel& self) { return self.model->prepared_bytes(); })
        .def("session", &open_session, "evaluation_keys"_a,
             "A session for one client, by its evaluation keys.")
        .def(
            "reserve",
            [](const HeldCompiledModel& self, std::optional<int> threads) {
                interruptible(threads, [&](const RunControl& control) { self.model->reserve(control); });
            },
            "threads"_a = py::none(),
            "Touches the memory of a request, so that the first is as quick as the others.")
        .def("__repr__", [](const HeldCompiledModel& self) {
            return "CompiledModel('" + self.model->plan().client.model + "', packing='" +
                   packing_name(self.model->plan().client.packing) + "')";
        });
    py::class_<HeldSession>(module, "Session",
                            "A compiled model and one client's evaluation keys. No secret.")
        .def(py::init([](const HeldModel& model, const HeldPlan& plan, const py::object& evaluation_keys) {
                 return open_session(compile(model, plan), evaluation_keys);
             }),
             "model"_a, "plan"_a, "evaluation_keys"_a)
        .def_property_readonly("plan",
                               [](const HeldSession& self) { return plan_of(self.session->compiled()); })
        .def_property_readonly("key_set", [](const HeldSession& self) { return format_hash(self.keys); })
        .def("infer", &infer, "upload"_a, "out"_a = py::none(), "overwrite"_a = false,
             "threads"_a = py::none(), "The reply to an upload: bytes, or a file where out names one.")
        .def("__repr__", [](const HeldSession& self) {
            return "Session('" + self.session->plan().client.model + "', key_set='" + format_hash(self.keys) +
                   "')";
        });
}

}  // namespace lacuna::python
