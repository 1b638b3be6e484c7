// SPDX-License-Identifier: Apache-2.0
#include "tools/service/tokens.h"

#include <cstdint>
#include <fstream>
#include <string>

#include <lacuna/he/files/checksum.h>
#include <lacuna/ntt/error.h>

namespace lacuna::service {

namespace {

constexpr std::size_t shortest = 16;
/// RFC 6750's: what comes through every proxy unchanged.
constexpr const char* alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";

Digest checksum_of(std::string_view text) {
    Checksum checksum;
    checksum.update({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    return checksum.value();
}

/// Without a branch on what they hold.
bool equal(const Digest& a, const Digest& b) {
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference |= static_cast<unsigned>(a[i] ^ b[i]);
    }
    return difference == 0;
}

}  // namespace

Tokens::Tokens(const std::filesystem::path& file) : checksums_(std::in_place) {
    std::ifstream stream(file);
    std::size_t number = 0;
    for (std::string line; std::getline(stream, line);) {
        ++number;
        if (!line.empty() && line.back() == '\r') {
            line.pop_back();
        }
        if (line.empty() || line.front() == '#') {
            continue;
        }
        if (line.size() < shortest || line.find_first_not_of(alphabet) != std::string::npos) {
            throw Error(
                file.string() + ": line " + std::to_string(number) + ": expected a token of at least " +
                std::to_string(shortest) +
                " letters, digits and -._~+/=, found another line; `openssl rand -hex 32` makes a good "
                "one");
        }
        checksums_->push_back(checksum_of(line));
    }
    if (checksums_->empty()) {
        throw Error(file.string() +
                    ": expected at least one token, a line each, found none; leave --tokens out to open the "
                    "service to everybody");
    }
}

bool Tokens::admit(const std::optional<std::string_view>& token) const {
    if (!checksums_) {
        return true;
    }
    const Digest given = checksum_of(token.value_or(""));
    bool found = false;
    for (const Digest& checksum : *checksums_) {
        found |= equal(given, checksum);
    }
    return found && token.has_value();
}

}  // namespace lacuna::service
