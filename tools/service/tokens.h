// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include <lacuna/he/files/digest.h>

namespace lacuna::service {

/// Bearer tokens that open the service, kept as checksums only.
class Tokens {
  public:
    /// None: open to everybody.
    Tokens() = default;
    /// A token a line; empty lines and those that begin with # are left out. Throws Error where there is
    /// none, or one shorter than 16 characters or with others than RFC 6750 has in it.
    explicit Tokens(const std::filesystem::path& file);

    /// The time that it takes says nothing of how much of a token is right.
    [[nodiscard]] bool admit(const std::optional<std::string_view>& token) const;

  private:
    std::optional<std::vector<Digest>> checksums_;
};

}  // namespace lacuna::service
