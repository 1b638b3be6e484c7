// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace lacuna {

/// "3", "51.4 kB", "1.25 GB": powers of 1000, three digits.
[[nodiscard]] std::string bytes_text(double bytes);
/// "12.3 ms", "4.50 s", "2 min 05 s".
[[nodiscard]] std::string seconds_text(double seconds);
/// 67194 as "67,194".
[[nodiscard]] std::string count_text(std::uint64_t count);
/// With that many decimals.
[[nodiscard]] std::string decimal_text(double value, int decimals);

}  // namespace lacuna
