// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <lacuna/nn/client/tensor_file.h>

namespace lacuna::service {

enum class Endpoint { health, ready, metrics, models, plan, key_set, store_keys, infer, page };

/// As metrics and logs spell it: the path with its variable parts in braces.
[[nodiscard]] const char* endpoint_name(Endpoint endpoint);

/// What a request asks for, from its request line and headers alone.
struct RequestHead {
    Endpoint endpoint = Endpoint::health;
    std::string model;             ///< plan, infer: a served name
    std::string page;              ///< page: a file's name, empty for the front page
    KeySetId keys{};               ///< key_set, store_keys, infer
    std::uint64_t body_bytes = 0;  ///< store_keys and infer only
};

/// A header's name and value.
using Header = std::pair<std::string_view, std::string_view>;

inline constexpr std::size_t longest_model_name = 64;
/// 1 ... 64 letters, digits, dots, underscores and hyphens, the first none of the last three.
[[nodiscard]] bool is_served_name(std::string_view name);

/// 3 ... 64 letters, digits, underscores and hyphens with one dot among them, neither first nor last: what
/// cannot lead to another folder.
[[nodiscard]] bool is_page_name(std::string_view name);

/// target: the request's target as it was sent. Nothing is percent-decoded: no name needs it. Throws
/// RequestError: 404 for what is not there, 405 for a method that does not belong there, 400 for a query or a
/// length that cannot be understood, 411 for a body without a length (chunked ones included), 415 for one
/// that is compressed or in parts.
[[nodiscard]] RequestHead parse_request_head(std::string_view method, std::string_view target,
                                             std::span<const Header> headers);

/// The token of an "Authorization: Bearer TOKEN" header, if there is exactly one.
[[nodiscard]] std::optional<std::string_view> bearer_token(std::span<const Header> headers);

}  // namespace lacuna::service
