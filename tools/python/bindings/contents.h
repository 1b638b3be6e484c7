// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <pybind11/pybind11.h>

#include <lacuna/he/files/source.h>

namespace lacuna::python {

/// What is read: the file at a path (str or os.PathLike), or bytes. Made with the GIL, read without it.
class Contents {
  public:
    /// name: of bytes, in errors. Bytes that somebody could change meanwhile are copied. Throws InputError
    /// for anything else than a path or bytes.
    Contents(const pybind11::object& given, std::string name);

    /// Throws Error where the file cannot be opened.
    [[nodiscard]] Source source() const;
    /// The file's path, where there is one.
    [[nodiscard]] const std::filesystem::path* path() const {
        return std::get_if<std::filesystem::path>(&given_);
    }
    [[nodiscard]] const std::string& name() const { return name_; }
    /// The bytes; a file's are read. Throws Error.
    [[nodiscard]] std::vector<std::uint8_t> read() const;
    /// The bytes of what is no file.
    [[nodiscard]] std::string_view text() const;

  private:
    std::variant<std::filesystem::path, pybind11::bytes> given_;
    std::string_view view_;
    std::string name_;
};

/// One object that ends where its file or its bytes do.
template <typename Load>
auto load(const Contents& contents, const Load& load_one) {
    Source source = contents.source();
    auto object = load_one(source);
    source.expect_end();
    return object;
}

[[nodiscard]] std::filesystem::path path_of(const pybind11::object& path);
[[nodiscard]] pybind11::bytes bytes_of(std::span<const std::uint8_t> bytes);
[[nodiscard]] inline pybind11::bytes bytes_of(const std::string& bytes) {
    return {bytes.data(), bytes.size()};
}

/// Where something is written: into bytes, or into a file, which appears when it is complete.
class Destination {
  public:
    /// out: None or a path.
    Destination(const pybind11::object& out, bool overwrite);

    /// Calls write with a stream. Without the GIL. Throws Error where the file exists and may not be
    /// replaced, or cannot be written.
    void write(const std::function<void(std::ostream&)>& write);
    /// The bytes, or None. With the GIL.
    [[nodiscard]] pybind11::object result() const;

  private:
    std::optional<std::filesystem::path> path_;
    bool overwrite_;
    std::vector<std::uint8_t> bytes_;
};

}  // namespace lacuna::python
