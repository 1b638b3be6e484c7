// SPDX-License-Identifier: Apache-2.0
#include "tools/bandwidth_option.h"

#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include "tools/terminal_text.h"

namespace lacuna {

namespace {

/// Replaces the text by the number; returns what is wrong with it.
std::string read_rate(std::string& text) {
    constexpr std::string_view suffixes = "kMGT";
    double rate = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, problem] = std::from_chars(text.data(), end, rate);
    const std::size_t suffix = rest + 1 == end ? suffixes.find(*rest) : std::string_view::npos;
    if (problem != std::errc() || (rest != end && suffix == std::string_view::npos) || !(rate > 0) ||
        rate > 1e12) {
        return "expected bits a second, as 10G or 400M, found '" + terminal_text(text) + "'";
    }
    for (std::size_t i = 0; rest != end && i <= suffix; ++i) {
        rate *= 1000;
    }
    text = std::to_string(rate);
    return "";
}

constexpr const char* meaning =
    "bits a second into and out of each of several machines, as 10G or 400M (default: 10G)";

}  // namespace

CLI::Option* add_bandwidth_option(CLI::App& command, double& bits) {
    return command.add_option("--bandwidth", bits, meaning)
        ->type_name("B")
        ->transform(CLI::Validator(read_rate, ""));
}

CLI::Option* add_bandwidths_option(CLI::App& command, std::vector<double>& bits) {
    return command.add_option("--bandwidth", bits, meaning)
        ->type_name("B,B,...")
        ->delimiter(',')
        ->transform(CLI::Validator(read_rate, ""));
}

}  // namespace lacuna
