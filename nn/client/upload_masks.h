// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include <lacuna/he/fv/ciphertext.h>

namespace lacuna {

/// The masks c_1 of one request's fresh ciphertexts, each of which may occur once, under whatever plaintext
/// modulus. A repeated one brings the same noise twice, where the plan's proof takes the noises of fresh
/// ciphertexts as independent: sums of them outgrow what the flood of a private reply covers. It also tells
/// the server the difference of two messages. A client that wants to can correlate the noise in other ways
/// (c_1 times x, say); this finds copies alone.
class UploadMasks {
  public:
    /// source: what errors begin with.
    explicit UploadMasks(std::string source) : source_(std::move(source)) {}

    /// Throws Error where the seed occurred before.
    void add(const SeededCiphertext& ciphertext);
    /// The same for a ciphertext of two parts or more, by the first words of c_1: among honest ones, uniform
    /// modulo a prime, they repeat with negligible probability.
    void add(const Ciphertext& ciphertext);

  private:
    using Mark = std::array<std::uint64_t, 8>;

    void add(const Mark& mark);

    std::string source_;
    std::map<Mark, std::size_t> seen_;  // to the number of the ciphertext, from 0
};

}  // namespace lacuna
