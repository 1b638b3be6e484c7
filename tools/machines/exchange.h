// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <lacuna/he/fv/context.h>
#include <lacuna/nn/plan/division.h>
#include <lacuna/nn/server/model_part.h>
#include "tools/machines/communicator.h"

namespace lacuna {

/// Bytes of ciphertexts that a rank has sent, by what for.
struct Traffic {
    std::uint64_t requests = 0;
    std::vector<std::uint64_t> lines;  ///< [line of the plan]
    std::uint64_t replies = 0;
};

/// Posts the words of every part.
void post(Communicator& ranks, std::size_t to, const Ciphertext& ciphertext);
/// Expects the words of every part of a ciphertext of this shape; they are replaced.
void expect(Communicator& ranks, std::size_t from, Ciphertext& ciphertext);
/// A ciphertext of that shape, its words to be received.
[[nodiscard]] Ciphertext blank(const Ring& ring, const PlainModulus& t, std::size_t limbs, std::size_t parts,
                               Form form = Form::coefficient);

/// What this rank of a lane does between the lines of a plan, for plaintext modulus t. Everything that it
/// refers to must outlive it. What is sent is counted in traffic.
[[nodiscard]] Exchange exchange_of(Communicator& ranks, const Context& context, const Plan& plan,
                                   const Lane& lane, const ModelPart& part, const PlainModulus& t,
                                   Traffic& traffic);

}  // namespace lacuna
