// SPDX-License-Identifier: Apache-2.0
#include "tools/python/bindings/contents.h"

#include <array>
#include <utility>

#include <lacuna/he/files/byte_stream.h>
#include <lacuna/he/files/output_file.h>
#include "tools/python/bindings/calls.h"

namespace lacuna::python {

namespace py = pybind11;

std::filesystem::path path_of(const py::object& path) {
    const py::module_ os = py::module_::import("os");
    if (!py::isinstance<py::str>(path) && !py::isinstance(path, os.attr("PathLike"))) {
        throw InputError("expected a path (str or os.PathLike), found " +
                         py::str(py::type::handle_of(path).attr("__name__")).cast<std::string>());
    }
    return {os.attr("fsencode")(path).cast<std::string>()};
}

Contents::Contents(const py::object& given, std::string name) : name_(std::move(name)) {
    if (py::isinstance<py::bytes>(given)) {
        given_ = py::reinterpret_borrow<py::bytes>(given);
    } else if (PyObject_CheckBuffer(given.ptr()) != 0) {
        given_ = py::bytes(py::module_::import("builtins").attr("bytes")(given));
    } else {
        try {
            given_ = path_of(given);
        } catch (const InputError&) {
            throw InputError(name_ + ": expected bytes or a path (str or os.PathLike), found " +
                             py::str(py::type::handle_of(given).attr("__name__")).cast<std::string>());
        }
        name_ = path()->string();
        return;
    }
    view_ = std::string_view(std::get<py::bytes>(given_));
}

Source Contents::source() const {
    if (const auto* file = path()) {
        return Source(*file);
    }
    return Source(std::span(reinterpret_cast<const std::uint8_t*>(view_.data()), view_.size()), name_);
}

std::string_view Contents::text() const {
    return view_;
}

std::vector<std::uint8_t> Contents::read() const {
    Source source = this->source();
    std::vector<std::uint8_t> bytes;
    constexpr std::size_t block = std::size_t{1} << 20;
    std::size_t size = 0;
    do {
        bytes.resize(size + block);
        const std::size_t more = source.read_some(std::span(bytes).subspan(size));
        size += more;
        if (more < block) {
            break;
        }
    } while (true);
    bytes.resize(size);
    return bytes;
}

py::bytes bytes_of(std::span<const std::uint8_t> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Destination::Destination(const py::object& out, bool overwrite) : overwrite_(overwrite) {
    if (!out.is_none()) {
        path_ = path_of(out);
    }
}

void Destination::write(const std::function<void(std::ostream&)>& write) {
    if (path_) {
        write_file(*path_, Access::everyone, overwrite_ ? Overwrite::allow : Overwrite::refuse, write);
        return;
    }
    ByteStream stream;
    write(stream);
    bytes_ = stream.take();
}

py::object Destination::result() const {
    if (path_) {
        return py::none();
    }
    return bytes_of(bytes_);
}

}  // namespace lacuna::python
