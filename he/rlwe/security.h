// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace lacuna {

/// Which published table bounds log2(QP) for ternary secrets, classical attacks: the Homomorphic Encryption
/// Standard of 2018, or Bossuat et al., "Security Guidelines for Implementing Homomorphic Encryption", 2024,
/// table 5.2.
enum class SecurityTable { standard_2018, guidelines_2024 };

/// Largest log2(QP) in bits, the special primes counted, for ring degree n at `security` = 128, 192 or 256
/// bits; 0 where the table offers none.
[[nodiscard]] int max_log_qp(std::size_t n, int security,
                             SecurityTable table = SecurityTable::guidelines_2024);

}  // namespace lacuna
