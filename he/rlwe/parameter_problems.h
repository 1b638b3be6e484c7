// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <lacuna/he/rlwe/ring_parameters.h>

namespace lacuna {

inline constexpr std::size_t max_ring_primes = 48;

/// Collects what is wrong with parameters, so that a person sees all of it at once.
class ParameterProblems {
  public:
    void add(const std::string& problem) { text_ += "\n  - " + problem; }
    /// Throws one Error with all of them, where there are any.
    void raise() const;
    [[nodiscard]] bool none() const { return text_.empty(); }

  private:
    std::string text_;
};

// The steps of resolve_ring(), in this order, for a scheme on top that puts its own between them.

/// Without a degree nothing else can be judged: raises at once.
void check_degree(std::size_t n, ParameterProblems& problems);
/// Replaces sizes by the largest free primes of those sizes. taken: primes that are not free, and then those
/// chosen.
void choose_primes(std::size_t n, std::vector<int>& bits, std::vector<std::uint64_t>& primes,
                   std::vector<std::uint64_t>& taken, const char* name, ParameterProblems& problems);
/// Data and special primes by value: each of them, and together.
void check_primes(const RingParameters& parameters, ParameterProblems& problems);
void check_digits(const RingParameters& parameters, ParameterProblems& problems);
/// log2(QP) against the table, for valid primes.
void check_security(const RingParameters& parameters, ParameterProblems& problems);

}  // namespace lacuna
