// SPDX-License-Identifier: Apache-2.0
#include "tools/quantity.h"

#include <cmath>
#include <cstdio>

namespace lacuna {

namespace {

/// Three significant digits for a value below 1000.
std::string three_digits(double value) {
    return decimal_text(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

}  // namespace

std::string decimal_text(double value, int decimals) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", decimals, value);
    return text;
}

std::string bytes_text(double bytes) {
    constexpr const char* units[] = {"kB", "MB", "GB", "TB"};
    if (bytes < 1000) {
        return decimal_text(bytes, 0) + " B";
    }
    std::size_t unit = 0;
    double value = bytes / 1000;
    for (; value >= 999.5 && unit + 1 < std::size(units); ++unit) {
        value /= 1000;
    }
    return three_digits(value) + " " + units[unit];
}

std::string seconds_text(double seconds) {
    if (seconds < 0.9995) {
        return three_digits(seconds * 1e3) + " ms";
    }
    if (seconds < 99.95) {
        return three_digits(seconds) + " s";
    }
    const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
    const std::string rest = std::to_string(whole % 60);
    return count_text(whole / 60) + " min " + (rest.size() < 2 ? "0" : "") + rest + " s";
}

std::string count_text(std::uint64_t count) {
    std::string text = std::to_string(count);
    for (std::size_t at = text.size(); at > 3;) {
        at -= 3;
        text.insert(at, 1, ',');
    }
    return text;
}

}  // namespace lacuna
