// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lacuna {

/// Bytes of a name, a description or a path that a terminal gets to see.
inline constexpr std::size_t shown_bytes = 200;

/// Text that may come from anybody (a plan, a model, a file name) as a terminal may show it: on one line,
/// without control characters (C0, C1, those that turn the direction of writing) and without bytes that are
/// no UTF-8, each of which becomes \xNN; and no longer than about `limit` bytes: the middle of longer text is
/// left out, which is said.
[[nodiscard]] std::string terminal_text(std::string_view text, std::size_t limit = shown_bytes);

}  // namespace lacuna
