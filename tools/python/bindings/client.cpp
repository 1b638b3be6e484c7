// SPDX-License-Identifier: Apache-2.0
#include "tools/python/bindings/client.h"

#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <lacuna/he/files/byte_stream.h>
#include <lacuna/he/files/protected_key.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/he/rlwe/key_match.h>
#include <lacuna/nn/server/key_set.h>
#include "tools/key_folder.h"
#include "tools/python/bindings/arrays.h"
#include "tools/python/bindings/calls.h"
#include "tools/python/bindings/contents.h"
#include "tools/python/bindings/model.h"

namespace lacuna::python {

namespace py = pybind11;
using namespace pybind11::literals;

namespace {

/// What is made without the GIL; hold() makes Python's bytes of the record.
struct Made {
    std::shared_ptr<const Client> client;
    std::vector<std::uint8_t> record;
    KeySetId id{};
};

HeldClient hold(const Made& made) {
    return {made.client,
            made.record.empty() ? nullptr : std::make_shared<const py::bytes>(bytes_of(made.record)),
            made.id};
}

HeldClient generate(const py::object& plan, std::optional<int> threads) {
    const std::shared_ptr<const ClientPlan> half = client_plan_of(plan);
    return hold(interruptible_of_values(threads, [&](const RunControl& control) {
        Made made;
        made.client = std::make_shared<const Client>(*half);
        control.check();
        ByteStream stream;
        save(stream, made.client->context().ring(), made.client->evaluation_keys(control.threads));
        made.record = stream.take();
        made.id = read_key_set_id(made.record);
        return made;
    }));
}

std::function<Passphrase()> asking(const std::optional<std::string>& passphrase, const std::string& source) {
    return [passphrase, source] {
        if (!passphrase) {
            throw InputError(source +
                             ": expected passphrase=, which this secret key is encrypted under, found none");
        }
        return Passphrase(*passphrase);
    };
}

HeldClient restore(const py::object& plan, const py::object& secret_key, const py::object& evaluation_keys,
                   const std::optional<std::string>& passphrase) {
    const std::shared_ptr<const ClientPlan> half = client_plan_of(plan);
    const Contents secret(secret_key, "secret key");
    const Contents keys(evaluation_keys, "evaluation keys");
    return hold(interruptible_of_values(1, [&](const RunControl& control) {
        const Context context(half->parameters);
        const Ring& ring = context.ring();
        Made made;
        made.client = std::make_shared<const Client>(*half, load(secret, [&](Source& source) {
            return load_secret_key(source, ring, asking(passphrase, secret.name()));
        }));
        control.check();
        made.record = keys.read();
        made.id = read_key_set_id(made.record);
        Source source(made.record, keys.name());
        const EvaluationKeys loaded = load_evaluation_keys(source, ring);
        source.expect_end();
        check_evaluation_keys(*half, loaded, keys.name());
        if (!matches(ring, made.client->secret_key(), loaded)) {
            throw InputError(keys.name() +
                             ": expected evaluation keys of this secret key, found those of another; "
                             "keep what one client made together");
        }
        return made;
    }));
}

HeldClient load_folder(const py::object& folder, const std::optional<std::string>& passphrase) {
    const std::filesystem::path path = path_of(folder);
    return hold(interruptible(1, [&](const RunControl& /*control*/) {
        const KeyFolder keys(path);
        keys.complete();
        Made made;
        made.client = std::make_shared<const Client>(keys.client(asking(passphrase, path.string())));
        made.id = keys.upload_id(made.client->plan(), made.client->context().ring());
        if (const std::filesystem::path file = path / "evaluation.keys"; std::filesystem::exists(file)) {
            Source source(file);
            made.record.resize(source.remaining().value_or(0));
            source.read(made.record, "evaluation keys");
            source.expect_end();
        }
        return made;
    }));
}

void save_folder(const HeldClient& self, const py::object& folder,
                 const std::optional<std::string>& passphrase, bool overwrite) {
    const std::filesystem::path path = path_of(folder);
    const std::span<const std::uint8_t> record = record_of(self);
    interruptible(1, [&](const RunControl& /*control*/) {
        Source source(record, "evaluation keys");
        const EvaluationKeys keys = load_evaluation_keys(source, self.client->context().ring());
        KeyFolder(path).save(*self.client, keys, overwrite ? Overwrite::allow : Overwrite::refuse,
                             passphrase ? std::optional(Passphrase(*passphrase)) : std::nullopt);
    });
}

py::bytes secret_key(const HeldClient& self, const std::optional<std::string>& passphrase) {
    return bytes_of(interruptible(1, [&](const RunControl& /*control*/) {
        std::ostringstream stream;
        const Ring& ring = self.client->context().ring();
        if (passphrase) {
            save_protected(stream, ring, self.client->secret_key(), Passphrase(*passphrase));
        } else {
            save(stream, ring, self.client->secret_key());
        }
        return stream.str();
    }));
}

py::object encrypt(const HeldClient& self, const py::object& images, const py::object& out, bool overwrite,
                   std::optional<int> threads) {
    const Client& client = *self.client;
    const std::vector<std::uint8_t> pixels =
        image_pixels(images, client.plan().input_shape, client.plan().features);
    Destination destination(out, overwrite);
    interruptible_of_values(threads, [&](const RunControl& control) {
        destination.write([&](std::ostream& stream) {
            save_upload(stream, client.context().ring(), client.plan(), self.id,
                        client.encrypt(pixels, control), control);
        });
    });
    return destination.result();
}

EncryptedTensor reply_of(const HeldClient& self, const Contents& contents) {
    const Client& client = *self.client;
    return load(contents,
                [&](Source& source) { return load_reply(source, client.context(), client.plan(), self.id); });
}

py::array decrypt(const HeldClient& self, const py::object& reply, std::optional<int> threads) {
    const Contents contents(reply, "reply");
    return array_of(interruptible_of_values(threads, [&](const RunControl& control) {
        return self.client->decrypt(reply_of(self, contents), control);
    }));
}

double noise_budget(const HeldClient& self, const py::object& reply) {
    const Contents contents(reply, "reply");
    return of_values([&] { return self.client->noise_budget(reply_of(self, contents)); });
}

[[noreturn]] py::object refuse_pickle(const py::object& /*self*/, const py::args& /*protocol*/) {
    throw py::type_error("a client holds a secret key, which is not pickled; save() it into a folder");
}

}  // namespace

std::span<const std::uint8_t> record_of(const HeldClient& client) {
    if (!client.record) {
        throw InputError(
            "expected a client with its evaluation keys, found one whose folder has no "
            "evaluation.keys; Client.restore() takes them from where they were put");
    }
    const auto view = static_cast<std::string_view>(*client.record);
    return {reinterpret_cast<const std::uint8_t*>(view.data()), view.size()};
}

void bind_client(py::module_& module) {
    py::class_<HeldClient>(
        module, "Client",
        "The side that holds the secret: makes keys, encrypts images, decrypts replies. It never "
        "sees the model. Its repr shows no key, and it cannot be pickled.")
        .def(py::init(&generate), "plan"_a, py::kw_only(), "threads"_a = py::none())
        .def_static("restore", &restore, "plan"_a, "secret_key"_a, "evaluation_keys"_a,
                    "passphrase"_a = py::none(),
                    "From what secret_key() and evaluation_keys gave, bytes or paths.")
        .def_static("load", &load_folder, "folder"_a, "passphrase"_a = py::none(),
                    "From a folder that save() or `lacuna keygen` made.")
        .def("save", &save_folder, "folder"_a, "passphrase"_a = py::none(), "overwrite"_a = false,
             "Into a folder as `lacuna keygen` makes it; secret.key is for its owner's eyes.")
        .def_property_readonly("plan",
                               [](const HeldClient& self) {
                                   return HeldClientPlan{{self.client, &self.client->plan()}};
                               })
        .def_property_readonly("key_set", [](const HeldClient& self) { return format_hash(self.id); })
        .def_property_readonly("evaluation_keys",
                               [](const HeldClient& self) {
                                   (void)record_of(self);
                                   return *self.record;
                               })
        .def("secret_key", &secret_key, "passphrase"_a = py::none(),
             "The secret key's bytes, which nobody wipes; under a passphrase they are encrypted.")
        .def("encrypt", &encrypt, "images"_a, "out"_a = py::none(), "overwrite"_a = false,
             "threads"_a = py::none(),
             "The upload for 1 ... plan.batch images: bytes, or a file where out names one.")
        .def("decrypt", &decrypt, "reply"_a, "threads"_a = py::none(),
             "The logits, (images, classes), exact.")
        .def("noise_budget", &noise_budget, "reply"_a,
             "Bits of noise that the reply could still take. Never tell whoever made it.")
        .def("__reduce_ex__", &refuse_pickle)
        .def("__repr__", [](const HeldClient& self) {
            return "Client('" + self.client->plan().model + "', key_set='" + format_hash(self.id) +
                   "', secret key not shown)";
        });
}

}  // namespace lacuna::python
