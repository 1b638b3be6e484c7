// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <istream>
#include <memory>
#include <optional>
#include <span>
#include <streambuf>
#include <string>

namespace lacuna {

/// Bytes to load from, with a name and an offset for error messages. What it reads it keeps in no second
/// copy; the buffers of a file are zeroed at the end, since the file may be a secret key.
class Source {
  public:
    /// From the stream's position on; offsets count from there. The stream must outlive the source.
    Source(std::istream& stream, std::string name);
    /// From memory, which must outlive the source.
    Source(std::span<const std::uint8_t> bytes, std::string name);
    /// From a file, named by its path. Throws Error where it cannot be opened.
    explicit Source(const std::filesystem::path& file);
    ~Source();
    Source(Source&&) noexcept;
    Source& operator=(Source&&) noexcept;

    [[nodiscard]] const std::string& name() const { return name_; }
    /// Bytes read so far.
    [[nodiscard]] std::uint64_t offset() const { return offset_; }
    /// Bytes left, where that can be known: not for streams, pipes and devices.
    [[nodiscard]] std::optional<std::uint64_t> remaining() const;

    /// Fills `bytes`; throws Error where the end comes first. `what` names the field in that message.
    void read(std::span<std::uint8_t> bytes, const char* what);
    /// Reads as much as there is; returns the number of bytes, less than asked for only at the end.
    [[nodiscard]] std::size_t read_some(std::span<std::uint8_t> bytes);
    [[nodiscard]] bool at_end();
    /// Throws Error where bytes follow.
    void expect_end();

    /// Throws Error "<name>: offset <offset>: expected <expected>, found <found>; <advice>".
    [[noreturn]] void fail(std::uint64_t offset, const std::string& expected, const std::string& found,
                           const std::string& advice) const;

  private:
    std::unique_ptr<std::streambuf> owned_;
    std::streambuf* buffer_;
    std::string name_;
    std::uint64_t offset_ = 0;
    std::optional<std::uint64_t> size_;
};

}  // namespace lacuna
