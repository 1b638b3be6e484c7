// SPDX-License-Identifier: Apache-2.0
#include "tools/service/request_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "tools/service/request_error.h"
#include "tools/terminal_text.h"

namespace lacuna::service {

namespace {

constexpr std::string_view api = "see tools/service/README.md for what there is";

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Names of headers, methods of authorisation: case does not matter.
bool same_word(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::vector<std::string_view> values_of(std::span<const Header> headers, std::string_view name) {
    std::vector<std::string_view> values;
    for (const auto& [key, value] : headers) {
        if (same_word(key, name)) {
            values.push_back(value);
        }
    }
    return values;
}

[[noreturn]] void fail_missing(std::string_view path) {
    throw RequestError(404, "not_found",
                       "path '" + terminal_text(path) + "': expected one of this service's, " +
                           "found none of that name; " + std::string(api));
}

std::vector<std::string_view> segments_of(std::string_view path) {
    std::vector<std::string_view> segments;
    if (!path.starts_with('/')) {
        fail_missing(path);
    }
    path.remove_prefix(1);
    constexpr std::size_t most = 4;
    while (segments.size() < most) {
        const std::size_t end = path.find('/');
        segments.push_back(path.substr(0, end));
        if (end == std::string_view::npos) {
            return segments;
        }
        path.remove_prefix(end + 1);
    }
    fail_missing(path);
}

KeySetId parse_keys(std::string_view text) {
    const std::optional<KeySetId> id = parse_digest(text);
    if (!id) {
        throw RequestError(
            400, "key_set_name",
            "key set '" + terminal_text(text) + "': expected " + std::to_string(2 * sizeof(KeySetId)) +
                " lower-case hexadecimal digits, as `lacuna keygen` and `lacuna inspect` print "
                "them; give the checksum of the evaluation keys");
    }
    return *id;
}

std::string parse_model(std::string_view text) {
    if (!is_served_name(text)) {
        throw RequestError(404, "model_unknown",
                           "model '" + terminal_text(text) +
                               "': expected the name of a served model, found " +
                               "none of that name; GET /v1/models lists them");
    }
    return std::string(text);
}

/// The one parameter that there is: keys.
KeySetId keys_of_query(std::string_view query) {
    constexpr std::string_view name = "keys=";
    if (!query.starts_with(name)) {
        throw RequestError(400, "query",
                           "query '" + terminal_text(query) +
                               "': expected ?keys=HASH and nothing else; name the key set that " +
                               "encrypted the upload");
    }
    return parse_keys(query.substr(name.size()));
}

[[noreturn]] void fail_method(std::string_view method, std::string_view allowed) {
    throw RequestError(405, "method",
                       "method '" + terminal_text(method) + "': expected " + std::string(allowed) +
                           " at this path; " + std::string(api));
}

void expect_method(std::string_view method, std::string_view allowed) {
    if (method != allowed) {
        fail_method(method, allowed);
    }
}

RequestHead parse_target(std::string_view method, std::string_view target) {
    const std::size_t mark = target.find('?');
    const std::string_view path = target.substr(0, mark);
    const std::optional<std::string_view> query =
        mark == std::string_view::npos ? std::nullopt : std::optional(target.substr(mark + 1));
    const std::vector<std::string_view> at = segments_of(path);
    RequestHead head;
    if (at.size() == 4 && at[0] == "v1" && at[1] == "models" && at[3] == "infer") {
        head.model = parse_model(at[2]);
        expect_method(method, "POST");
        head.endpoint = Endpoint::infer;
        head.keys = keys_of_query(query.value_or(""));
        return head;
    }
    if (query) {
        throw RequestError(400, "query",
                           "query '" + terminal_text(*query) + "': expected none at this path; leave it out");
    }
    if (at.size() == 3 && at[0] == "v1" && at[1] == "keys") {
        if (method != "GET" && method != "PUT") {
            fail_method(method, "GET or PUT");
        }
        head.keys = parse_keys(at[2]);
        head.endpoint = method == "PUT" ? Endpoint::store_keys : Endpoint::key_set;
        return head;
    }
    if (at.size() == 4 && at[0] == "v1" && at[1] == "models" && at[3] == "plan") {
        head.model = parse_model(at[2]);
        head.endpoint = Endpoint::plan;
    } else if (at.size() == 2 && at[0] == "v1" && at[1] == "models") {
        head.endpoint = Endpoint::models;
    } else if (path == "/healthz") {
        head.endpoint = Endpoint::health;
    } else if (path == "/readyz") {
        head.endpoint = Endpoint::ready;
    } else if (path == "/metrics") {
        head.endpoint = Endpoint::metrics;
    } else if (at.size() == 1 && (at[0].empty() || is_page_name(at[0]))) {
        head.endpoint = Endpoint::page;
        head.page = at[0];
    } else {
        fail_missing(path);
    }
    expect_method(method, "GET");
    return head;
}

std::uint64_t parse_length(std::string_view text) {
    std::uint64_t length = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (text.empty() || !std::ranges::all_of(text, is_digit) || problem != std::errc() ||
        end != text.data() + text.size()) {
        throw RequestError(400, "length",
                           "Content-Length '" + terminal_text(text) +
                               "': expected a number of bytes below 2^64; send the body's length");
    }
    return length;
}

/// RFC 9110's tokens: a blank before the colon, say, would hide a header from one reader and not from
/// another.
void check_names(std::span<const Header> headers) {
    for (const auto& [name, value] : headers) {
        if (name.empty() || !std::ranges::all_of(name, [](char c) {
                return is_letter(c) || is_digit(c) ||
                       std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
            })) {
            throw RequestError(400, "request",
                               "header '" + terminal_text(name) +
                                   "': expected a name of letters, digits and hyphens right before "
                                   "the colon, found another; mend the client");
        }
    }
}

/// Two ways to tell the end of a body are how requests get smuggled past proxies: one is taken, the length.
std::optional<std::uint64_t> body_length(std::span<const Header> headers) {
    if (!values_of(headers, "Transfer-Encoding").empty()) {
        throw RequestError(
            411, "length_required",
            "Transfer-Encoding: expected a body with a Content-Length, found another coding; send "
            "its length (a proxy in front may have to buffer requests)");
    }
    const std::vector<std::string_view> lengths = values_of(headers, "Content-Length");
    if (lengths.size() > 1) {
        throw RequestError(400, "length",
                           "Content-Length: expected it once, found it " + std::to_string(lengths.size()) +
                               " times; send it once");
    }
    return lengths.empty() ? std::nullopt : std::optional(parse_length(lengths.front()));
}

void check_coding(std::span<const Header> headers) {
    for (const std::string_view coding : values_of(headers, "Content-Encoding")) {
        if (!same_word(coding, "identity")) {
            throw RequestError(415, "coding",
                               "Content-Encoding '" + terminal_text(coding) +
                                   "': expected none, as encrypted data does not get smaller; " +
                                   "send the bytes as they are");
        }
    }
    for (const std::string_view type : values_of(headers, "Content-Type")) {
        constexpr std::string_view parts = "multipart/";
        if (same_word(type.substr(0, parts.size()), parts)) {
            throw RequestError(415, "coding",
                               "Content-Type '" + terminal_text(type) +
                                   "': expected the bytes alone, as application/octet-stream; " +
                                   "send no form");
        }
    }
}

}  // namespace

const char* endpoint_name(Endpoint endpoint) {
    static constexpr std::array names = {"/healthz",
                                         "/readyz",
                                         "/metrics",
                                         "/v1/models",
                                         "/v1/models/{model}/plan",
                                         "/v1/keys/{hash}",
                                         "/v1/keys/{hash}",
                                         "/v1/models/{model}/infer",
                                         "/{page}"};
    return names.at(static_cast<std::size_t>(endpoint));
}

bool is_served_name(std::string_view name) {
    return !name.empty() && name.size() <= longest_model_name &&
           (is_letter(name.front()) || is_digit(name.front())) && std::ranges::all_of(name, [](char c) {
               return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
           });
}

bool is_page_name(std::string_view name) {
    const std::size_t dot = name.find('.');
    return is_served_name(name) && dot != std::string_view::npos && dot == name.rfind('.') &&
           dot + 1 < name.size();
}

RequestHead parse_request_head(std::string_view method, std::string_view target,
                               std::span<const Header> headers) {
    check_names(headers);
    const std::optional<std::uint64_t> length = body_length(headers);
    RequestHead head = parse_target(method, target);
    const bool takes_body = head.endpoint == Endpoint::store_keys || head.endpoint == Endpoint::infer;
    if (!takes_body) {
        if (length.value_or(0) != 0) {
            throw RequestError(400, "body",
                               "expected no body at this path, found one of " + std::to_string(*length) +
                                   " bytes; leave it out");
        }
        return head;
    }
    check_coding(headers);
    if (!length) {
        throw RequestError(411, "length_required",
                           "expected a body with a Content-Length, found none; send its length");
    }
    head.body_bytes = *length;
    return head;
}

std::optional<std::string_view> bearer_token(std::span<const Header> headers) {
    const std::vector<std::string_view> values = values_of(headers, "Authorization");
    constexpr std::string_view scheme = "Bearer ";
    if (values.size() != 1 || !same_word(values.front().substr(0, scheme.size()), scheme)) {
        return std::nullopt;
    }
    return values.front().substr(scheme.size());
}

}  // namespace lacuna::service
