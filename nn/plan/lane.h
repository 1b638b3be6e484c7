// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <lacuna/nn/model/expanded_model.h>
#include <lacuna/nn/plan/plan.h>

namespace lacuna {

/// What the ranks have to work with: computers, or processes of one, that answer requests together.
struct Machines {
    std::size_t ranks = 1;
    double bytes_per_second = 1.25e9;  ///< into every rank, and out of it at the same time
    double nominal_seconds = 1e-9;     ///< that a nominal nanosecond of the plan takes on a rank
    std::size_t uploads = 1;           ///< to be answered with one plan
};

/// Numbers of values, ascending, for each rank of a lane.
using Shares = std::vector<std::vector<std::uint32_t>>;

/// Values that go from one rank of a lane to another.
struct Message {
    std::size_t from = 0;
    std::size_t to = 0;
    std::vector<std::uint32_t> values;
};

/// How the ranks of a lane share a line of the plan.
struct LineDivision {
    enum class Kind {
        each,    ///< steps that every value takes by itself, on the rank that has it
        rows,    ///< every rank computes the outputs that it has; inputs go where they are needed
        sums,    ///< inputs stay where they are; partial sums go to the rank that has the output
        giants,  ///< packed: giant steps are shared out; the first rank has all values
    };
    Kind kind = Kind::each;
    Shares needs;     ///< inputs at hand when the layer kernel runs; not of `each`
    Shares computes;  ///< rows that it computes, in part where the kind is sums; giants: groups
    Shares has;       ///< values after the line
    /// Inputs before the line (rows, giants) or partial sums after it (sums); giants: those that come back
    /// are in `returns`. None before the first line, whose inputs the request brings.
    std::vector<Message> messages;
    std::vector<Message> returns;   ///< giants: sums of groups, modulo Q P, by output
    std::uint64_t value_bytes = 0;  ///< of one value of a message
    std::uint64_t sum_bytes = 0;    ///< of one value of `returns`
    double seconds = 0;             ///< of the slowest rank's work
    double exchange_seconds = 0;    ///< of the rank that sends or receives most

    [[nodiscard]] std::uint64_t bytes() const;
};

/// How a number of ranks shares one plaintext modulus of one request, or one set of the packed packing.
struct LaneDivision {
    std::size_t ranks = 1;
    Shares inputs;                    ///< of the request, as each rank gets them
    std::vector<LineDivision> lines;  ///< of every line of the plan
    std::uint64_t input_bytes = 0;    ///< of one fresh ciphertext
    std::uint64_t reply_bytes = 0;    ///< of one ciphertext of the reply

    /// All lines, exchanges included.
    [[nodiscard]] double seconds() const;
    /// That are copied to a rank's share of the request or come from its share of the reply.
    [[nodiscard]] std::uint64_t request_bytes(std::size_t rank) const;
    [[nodiscard]] std::uint64_t reply_bytes_of(std::size_t rank) const;
};

/// Bytes of one value as ranks send it to each other: words of 64 bits, nothing else.
[[nodiscard]] std::uint64_t value_bytes(std::size_t n, std::size_t limbs, std::size_t parts);
/// Of a fresh ciphertext of the request: a polynomial and a seed, or two polynomials.
[[nodiscard]] std::uint64_t fresh_bytes(std::size_t n, std::size_t limbs, bool seeded);

/// The division of one plaintext modulus that is estimated quickest. Values are shared out by channel or by
/// place in the picture, and layers by rows or by sums, whichever moves and computes least over all lines.
/// Machines::ranks is the lane's. Layers of the packed packing are shared out by giant steps.
[[nodiscard]] LaneDivision divide_lane(const ExpandedModel& model, const Plan& plan,
                                       const Machines& machines);

}  // namespace lacuna
