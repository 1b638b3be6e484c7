// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/json_document.h>

#include <utility>
#include <vector>

#include <lacuna/ntt/error.h>

namespace lacuna::detail {

namespace {

using json = nlohmann::json;

std::string shortened(const std::string& text, std::size_t limit) {
    return text.size() <= limit ? text : text.substr(0, limit) + "...";
}

/// Builds the document from the parser's events. nlohmann's own builder for parsers with a callback looks at
/// every element of a list again whenever an object in it ends, which is quadratic; this one touches each
/// value once.
class DocumentBuilder : public nlohmann::json_sax<json> {
  public:
    DocumentBuilder(const std::string& place, const JsonLimits& limits, const std::function<void()>& pause)
        : place_(&place), limits_(&limits), pause_(&pause) {}

    [[nodiscard]] json take() { return std::move(root_); }

    bool null() override { return put(json()); }
    bool boolean(bool value) override { return put(json(value)); }
    bool number_integer(number_integer_t value) override { return put(json(value)); }
    bool number_unsigned(number_unsigned_t value) override { return put(json(value)); }
    bool number_float(number_float_t value, const string_t&) override { return put(json(value)); }
    bool string(string_t& value) override { return put(json(std::move(value))); }
    bool binary(binary_t& value) override { return put(json(std::move(value))); }

    bool start_object(std::size_t) override { return open(json(json::value_t::object)); }
    bool start_array(std::size_t) override { return open(json(json::value_t::array)); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

    bool key(string_t& name) override {
        auto& fields = open_.back()->get_ref<json::object_t&>();
        const auto [field, is_new] = fields.emplace(std::move(name), nullptr);
        if (!is_new) {
            fail("every field once",
                 shortened(json(field->first).dump(-1, ' ', true, json::error_handler_t::replace), 60) +
                     " twice in one object",
                 "remove one");
        }
        field_ = &field->second;
        return true;
    }

    bool parse_error(std::size_t, const std::string&, const json::exception& problem) override {
        // what() is "[json.exception.name.id] text at line, column"; the bracket means nothing to a user.
        const std::string what = problem.what();
        const std::size_t bracket = what.find("] ");
        fail("JSON", "a " + shortened(bracket == std::string::npos ? what : what.substr(bracket + 2), 160),
             "check the file or export it again");
    }

  private:
    [[noreturn]] void fail(const std::string& expected, const std::string& found,
                           const std::string& advice) const {
        throw Error(*place_ + ": expected " + expected + ", found " + found + "; " + advice);
    }

    /// Puts a value where the parser is: into the field just named, at the end of a list, or at the top.
    json& place(json&& value) {
        constexpr std::size_t values_between_pauses = 4096;
        if (++values_ > limits_->values) {
            fail("at most " + std::to_string(limits_->values) + " values", "more",
                 "this is no such document, or it is too large");
        }
        if (*pause_ && values_ % values_between_pauses == 0) {
            (*pause_)();
        }
        if (open_.empty()) {
            root_ = std::move(value);
            return root_;
        }
        if (open_.back()->is_object()) {
            *field_ = std::move(value);
            return *field_;
        }
        auto& list = open_.back()->get_ref<json::array_t&>();
        list.push_back(std::move(value));
        return list.back();
    }

    bool put(json&& value) {
        place(std::move(value));
        return true;
    }

    bool open(json&& container) {
        if (open_.size() >= static_cast<std::size_t>(limits_->nesting)) {
            fail("at most " + std::to_string(limits_->nesting) + " levels of nesting", "more",
                 "make the document flatter");
        }
        if (++containers_ > limits_->containers) {
            fail("at most " + std::to_string(limits_->containers) + " lists and objects", "more",
                 "this is no such document, or it is too large");
        }
        open_.push_back(&place(std::move(container)));  // stays there: an open container's list does not grow
        return true;
    }

    bool close() {
        open_.pop_back();
        return true;
    }

    const std::string* place_;
    const JsonLimits* limits_;
    const std::function<void()>* pause_;
    json root_;
    std::vector<json*> open_;  // what encloses the parser's place, the innermost last
    json* field_ = nullptr;    // of the innermost object, the one named last
    std::size_t values_ = 0;
    std::size_t containers_ = 0;
};

}  // namespace

json parse_json(std::string_view text, const std::string& place, const JsonLimits& limits,
                const std::function<void()>& pause) {
    if (text.size() > limits.bytes) {
        throw Error(place + ": expected at most " + std::to_string(limits.bytes) + " bytes, found " +
                    std::to_string(text.size()) + "; this is no such document, or it is too large");
    }
    // The parser takes a NUL for the end of the text and would not look at what follows.
    if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
        throw Error(place + ": expected JSON, found a NUL byte at offset " + std::to_string(nul) +
                    "; check the file or export it again");
    }
    DocumentBuilder builder(place, limits, pause);
    json::sax_parse(text.begin(), text.end(), &builder);
    return builder.take();
}

}  // namespace lacuna::detail
