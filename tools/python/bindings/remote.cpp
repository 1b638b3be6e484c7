// SPDX-License-Identifier: Apache-2.0
#include "tools/python/bindings/remote.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <lacuna/he/files/digest.h>
#include <lacuna/tools/service/remote_client.h>
#include "tools/python/bindings/arrays.h"
#include "tools/python/bindings/calls.h"
#include "tools/python/bindings/client.h"
#include "tools/python/bindings/contents.h"
#include "tools/python/bindings/model.h"

namespace lacuna::python {

namespace py = pybind11;
using namespace pybind11::literals;

namespace {

using service::RemoteReport;

/// A connection, which one thread uses at a time.
class Remote {
  public:
    Remote(std::string url, const std::string& token) : url_(std::move(url)), client_(url_, token) {}

    [[nodiscard]] const std::string& url() const { return url_; }

    /// Calls work with the connection, without the GIL.
    template <typename Work>
    auto use(std::optional<int> threads, const Work& work) {
        return interruptible(threads, [&](const RunControl& control) {
            const std::lock_guard lock(mutex_);
            return work(client_, control);
        });
    }

  private:
    std::string url_;
    service::RemoteClient client_;
    std::mutex mutex_;
};

KeySetId key_set_of(const std::string& text) {
    const std::optional<Digest> id = parse_digest(text);
    if (!id) {
        throw InputError("key_set: expected 32 hexadecimal digits, found '" + text + "'");
    }
    return *id;
}

HeldClientPlan plan(Remote& self, const std::string& model) {
    return self.use(1, [&](service::RemoteClient& remote, const RunControl& /*control*/) {
        return HeldClientPlan{std::make_shared<const ClientPlan>(remote.plan(model))};
    });
}

std::uint64_t send_keys(Remote& self, const py::object& evaluation_keys) {
    const Contents contents(evaluation_keys, "evaluation keys");
    return self.use(1, [&](service::RemoteClient& remote, const RunControl& control) {
        return remote.send_keys(contents.read(), control);
    });
}

py::bytes infer(Remote& self, const std::string& model, const std::string& key_set,
                const py::object& upload) {
    const Contents contents(upload, "upload");
    const KeySetId keys = key_set_of(key_set);
    return bytes_of(self.use(1, [&](service::RemoteClient& remote, const RunControl& control) {
        const std::vector<std::uint8_t> bytes = contents.read();
        RemoteReport report;
        return remote.infer(model, keys, std::string(bytes.begin(), bytes.end()), report, control);
    }));
}

struct Answer {
    std::vector<std::vector<mpz_class>> logits;
    std::vector<RemoteReport> reports;
};

/// As many requests as the images need.
py::tuple classify(Remote& self, const std::string& model, const HeldClient& client, const py::object& images,
                   std::optional<int> threads) {
    const ClientPlan& plan = client.client->plan();
    const std::vector<std::uint8_t> pixels = image_pixels(images, plan.input_shape, plan.features);
    const std::size_t each = plan.batch * plan.input_shape.size();
    const Answer answer = self.use(threads, [&](service::RemoteClient& remote, const RunControl& control) {
        Answer found;
        for (std::size_t begin = 0; begin < pixels.size(); begin += each) {
            const auto part = std::span(pixels).subspan(begin, std::min(each, pixels.size() - begin));
            RemoteReport& report = found.reports.emplace_back();
            for (auto& row :
                 remote.classify(model, *client.client, record_of(client), part, report, control)) {
                found.logits.push_back(std::move(row));
            }
        }
        return found;
    });
    return py::make_tuple(array_of(answer.logits), answer.reports);
}

}  // namespace

void bind_remote(py::module_& module) {
    py::class_<RemoteReport>(module, "RemoteReport", "What a request to a server took.")
        .def_readonly("key_bytes", &RemoteReport::key_bytes)
        .def_readonly("upload_bytes", &RemoteReport::upload_bytes)
        .def_readonly("reply_bytes", &RemoteReport::reply_bytes)
        .def_readonly("seconds", &RemoteReport::seconds)
        .def_readonly("server_timing", &RemoteReport::server_timing)
        .def("__repr__", [](const RemoteReport& self) {
            return "RemoteReport(key_bytes=" + std::to_string(self.key_bytes) +
                   ", upload_bytes=" + std::to_string(self.upload_bytes) +
                   ", reply_bytes=" + std::to_string(self.reply_bytes) +
                   ", seconds=" + std::to_string(self.seconds) + ")";
        });
    py::class_<Remote>(module, "RemoteClient",
                       "The client's side of `lacuna serve`. A connection is kept between calls.")
        .def(py::init([](const std::string& url, const std::string& token) {
                 return std::make_unique<Remote>(url, token);
             }),
             "url"_a, "token"_a = "")
        .def("models",
             [](Remote& self) {
                 return self.use(1, [](service::RemoteClient& remote, const RunControl& /*control*/) {
                     return remote.models();
                 });
             })
        .def("plan", &plan, "model"_a)
        .def(
            "has_keys",
            [](Remote& self, const std::string& key_set) {
                const KeySetId id = key_set_of(key_set);
                return self.use(1, [&](service::RemoteClient& remote, const RunControl& /*control*/) {
                    return remote.has_keys(id);
                });
            },
            "key_set"_a)
        .def("send_keys", &send_keys, "evaluation_keys"_a,
             "Returns the bytes sent: 0 where the server had them.")
        .def("infer", &infer, "model"_a, "key_set"_a, "upload"_a, "The reply to an upload.")
        .def("classify", &classify, "model"_a, "client"_a, "images"_a, "threads"_a = py::none(),
             "Encrypts, sends what the server needs and decrypts: the logits and a RemoteReport of each "
             "request.")
        .def("__repr__", [](const Remote& self) { return "RemoteClient('" + self.url() + "')"; });
}

}  // namespace lacuna::python
