// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <lacuna/he/files/json_document.h>

/// Reading JSON that may come from anybody: unknown fields and repeated keys refused, nesting and every
/// value bounded, errors that name source, field, expected, found and what to do. Inside the library only.
namespace lacuna::strict_json {

using nlohmann::json;

inline constexpr int maximum_nesting = 32;

/// A place in the document: a chain of stack objects, written out only when an error needs it.
class FieldPath {
  public:
    /// documentation: where the format is described, the advice of errors that have no better one.
    FieldPath(const std::string& source, const char* documentation)
        : documentation_(documentation), key_(source) {}
    FieldPath(std::string&& source, const char* documentation) = delete;  // a path holds views only
    FieldPath(const FieldPath& parent, std::string_view key)
        : parent_(&parent), documentation_(parent.documentation_), key_(key) {}
    FieldPath(const FieldPath& parent, std::size_t index)
        : parent_(&parent), documentation_(parent.documentation_), index_(index), is_index_(true) {}

    [[nodiscard]] std::string text() const;
    [[nodiscard]] const char* documentation() const { return documentation_; }

  private:
    const FieldPath* parent_ = nullptr;
    const char* documentation_;
    std::string_view key_;
    std::size_t index_ = 0;
    bool is_index_ = false;
};

/// Throws Error.
[[noreturn]] void fail(const FieldPath& place, const std::string& expected, const std::string& found,
                       const std::string& advice);

/// A JSON value for an error message: one short line of ASCII.
[[nodiscard]] std::string describe(const json& value);

/// Limits of documents with the client's half of a plan in them, whose features have thresholds and ranges.
inline constexpr detail::JsonLimits plan_document{std::size_t{4} << 20, maximum_nesting, std::size_t{1} << 17,
                                                  std::size_t{1} << 15};

/// Limits of small documents.
inline constexpr detail::JsonLimits small_document{std::size_t{1} << 20, maximum_nesting,
                                                   std::size_t{1} << 14, std::size_t{1} << 10};

/// Parses JSON text in linear time. Throws Error where the text passes the limits, repeats a key or goes on
/// behind the document, and Stopped soon after a stop is requested.
[[nodiscard]] json parse_document(std::string_view text, const FieldPath& place,
                                  const detail::JsonLimits& limits, const std::stop_token& stop = {});

/// The document's version. Throws Error unless it is an object with this "format" and one of these versions.
/// For the message: `what` was expected ("a model"), which `file` to give instead, and the `remedy` for
/// another version.
int check_format(const json& document, const FieldPath& root, const char* what, const char* format,
                 std::initializer_list<int> versions, const std::string& file, const std::string& remedy);

/// Throws Error unless the value is an object that has no other fields than these.
void check_object(const json& value, const FieldPath& place, std::initializer_list<const char*> fields);

// Each throws Error unless the value is as asked.
[[nodiscard]] const json& member(const json& object, const FieldPath& place, const char* field);
[[nodiscard]] const json& array(const json& value, const FieldPath& place);
const json& array_of(const json& value, const FieldPath& place, std::size_t size);
[[nodiscard]] std::string text_of(const json& value, const FieldPath& place);
[[nodiscard]] bool boolean(const json& value, const FieldPath& place);
[[nodiscard]] double number(const json& value, const FieldPath& place);
[[nodiscard]] std::int64_t integer(const json& value, const FieldPath& place, std::int64_t low,
                                   std::int64_t high);
[[nodiscard]] std::size_t count(const json& value, const FieldPath& place, std::size_t low, std::size_t high);

/// An array of three: channels, height, width, each 1 ... largest.
[[nodiscard]] std::vector<std::size_t> dimensions(const json& value, const FieldPath& place,
                                                  std::size_t largest);
/// An array of integers from 1 to 255: input quantisation.
[[nodiscard]] std::vector<int> thresholds(const json& value, const FieldPath& place);

}  // namespace lacuna::strict_json
