// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/strict_json.h>

#include <algorithm>

#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/error.h>

namespace lacuna::strict_json {

namespace {

std::string shortened(const std::string& text, std::size_t limit = 60) {
    return text.size() <= limit ? text : text.substr(0, limit) + "...";
}

}  // namespace

std::string FieldPath::text() const {
    if (parent_ == nullptr) {
        return std::string(key_);
    }
    if (is_index_) {
        return parent_->text() + "[" + std::to_string(index_) + "]";
    }
    return parent_->text() + (parent_->parent_ == nullptr ? ": " : ".") + std::string(key_);
}

std::string describe(const json& value) {
    if (value.is_object()) {
        return "an object";
    }
    if (value.is_array()) {
        return "an array of " + std::to_string(value.size());
    }
    return shortened(value.dump(-1, ' ', true, json::error_handler_t::replace));
}

[[noreturn]] void fail(const FieldPath& place, const std::string& expected, const std::string& found,
                       const std::string& advice) {
    throw Error(place.text() + ": expected " + expected + ", found " + found + "; " + advice);
}

void check_object(const json& value, const FieldPath& place, std::initializer_list<const char*> fields) {
    if (!value.is_object()) {
        fail(place, "an object", describe(value), place.documentation());
    }
    for (const auto& item : value.items()) {
        if (std::none_of(fields.begin(), fields.end(), [&](const char* f) { return item.key() == f; })) {
            std::string known;
            for (const char* field : fields) {
                known += (known.empty() ? "" : ", ") + std::string(field);
            }
            fail(place, "only the fields " + known, describe(json(item.key())),
                 "remove it, or use a release that knows it");
        }
    }
}

const json& member(const json& object, const FieldPath& place, const char* field) {
    const auto found = object.find(field);
    if (found == object.end()) {
        fail(place, "a field '" + std::string(field) + "'", "none", "add it");
    }
    return *found;
}

const json& array(const json& value, const FieldPath& place) {
    if (!value.is_array()) {
        fail(place, "an array", describe(value), place.documentation());
    }
    return value;
}

const json& array_of(const json& value, const FieldPath& place, std::size_t size) {
    if (!value.is_array() || value.size() != size) {
        fail(place, "an array of " + std::to_string(size), describe(value), place.documentation());
    }
    return value;
}

std::string text_of(const json& value, const FieldPath& place) {
    if (!value.is_string()) {
        fail(place, "a string", describe(value), place.documentation());
    }
    return value.get<std::string>();
}

std::int64_t integer(const json& value, const FieldPath& place, std::int64_t low, std::int64_t high) {
    const bool fits = value.is_number_integer() &&
                      !(value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{1} << 62);
    if (!fits || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high) {
        fail(place, "an integer from " + std::to_string(low) + " to " + std::to_string(high), describe(value),
             "change this value");
    }
    return value.get<std::int64_t>();
}

std::size_t count(const json& value, const FieldPath& place, std::size_t low, std::size_t high) {
    return static_cast<std::size_t>(
        integer(value, place, static_cast<std::int64_t>(low), static_cast<std::int64_t>(high)));
}

json parse_document(std::string_view text, const FieldPath& place, const detail::JsonLimits& limits,
                    const std::stop_token& stop) {
    return detail::parse_json(text, place.text(), limits, [&stop] {
        if (stop.stop_requested()) {
            throw Stopped();
        }
    });
}

int check_format(const json& document, const FieldPath& root, const char* what, const char* format,
                 std::initializer_list<int> versions, const std::string& file, const std::string& remedy) {
    const auto found = [&](const char* field, const std::string& otherwise) {
        return document.is_object() && document.contains(field) ? describe(document[field]) : otherwise;
    };
    if (!document.is_object() || !document.contains("format") || document["format"] != format) {
        fail(root, std::string(what) + ": an object whose format is \"" + format + "\"",
             found("format", describe(document)), file);
    }
    std::string expected;
    for (const int version : versions) {
        if (document.contains("version") && document["version"].is_number_integer() &&
            document["version"] == version) {
            return version;
        }
        expected.append(expected.empty() ? "" : " or ").append(std::to_string(version));
    }
    fail(FieldPath(root, "version"), expected, found("version", "none"), remedy);
}

bool boolean(const json& value, const FieldPath& place) {
    if (!value.is_boolean()) {
        fail(place, "true or false", describe(value), place.documentation());
    }
    return value.get<bool>();
}

double number(const json& value, const FieldPath& place) {
    if (!value.is_number()) {
        fail(place, "a number", describe(value), place.documentation());
    }
    return value.get<double>();
}

std::vector<std::size_t> dimensions(const json& value, const FieldPath& place, std::size_t largest) {
    constexpr std::size_t axes = 3;
    std::vector<std::size_t> result;
    array_of(value, place, axes);
    for (std::size_t i = 0; i < axes; ++i) {
        result.push_back(count(value[i], FieldPath(place, i), 1, largest));
    }
    return result;
}

std::vector<int> thresholds(const json& value, const FieldPath& place) {
    std::vector<int> result;
    for (std::size_t i = 0; i < array(value, place).size(); ++i) {
        result.push_back(static_cast<int>(integer(value[i], FieldPath(place, i), 1, 255)));
    }
    return result;
}

}  // namespace lacuna::strict_json
