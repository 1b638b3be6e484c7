// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace lacuna {

/// Values one after the other as bytes, between processes of one program. Not a file format: the reader is
/// the same executable, which is what keeps both sides of one mind.
class MessageWriter {
  public:
    template <typename Value>
    requires std::is_trivially_copyable_v<Value>
    void value(const Value& value) { append(&value, sizeof value); }
    void text(std::string_view text) {
        value(std::uint64_t{text.size()});
        append(text.data(), text.size());
    }
    template <typename Value>
    requires std::is_trivially_copyable_v<Value>
    void list(const std::vector<Value>& values) {
        value(std::uint64_t{values.size()});
        append(values.data(), values.size() * sizeof(Value));
    }
    [[nodiscard]] const std::vector<std::uint8_t>& bytes() const { return bytes_; }

  private:
    void append(const void* data, std::size_t size);

    std::vector<std::uint8_t> bytes_;
};

/// Reads them in the same order. Throws Error where there are too few.
class MessageReader {
  public:
    explicit MessageReader(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}

    template <typename Value>
    requires std::is_trivially_copyable_v<Value>
    [[nodiscard]] Value value() {
        Value result;
        std::memcpy(&result, take(sizeof result).data(), sizeof result);
        return result;
    }
    [[nodiscard]] std::string text();
    template <typename Value>
    requires std::is_trivially_copyable_v<Value>
    [[nodiscard]] std::vector<Value> list() {
        const auto size = value<std::uint64_t>();
        const auto bytes = take(size * sizeof(Value));
        std::vector<Value> values(size);
        if (size > 0) {
            std::memcpy(values.data(), bytes.data(), bytes.size());
        }
        return values;
    }
    /// Everything that is left.
    [[nodiscard]] std::span<const std::uint8_t> rest() const { return std::span(bytes_).subspan(at_); }

  private:
    [[nodiscard]] std::span<const std::uint8_t> take(std::size_t size);

    std::vector<std::uint8_t> bytes_;
    std::size_t at_ = 0;
};

}  // namespace lacuna
