// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include <lacuna/nn/model/model.h>
#include <lacuna/nn/plan/lane.h>
#include <lacuna/nn/plan/plan.h>

namespace lacuna {

/// Ranks that follow each other and share some plaintext moduli of a request, one modulus after the other.
struct Lane {
    std::size_t first = 0;  ///< rank
    std::size_t ranks = 1;
    std::vector<std::size_t> moduli;
};

/// Lanes that answer one request together: every plaintext modulus is in one of them.
using Team = std::vector<Lane>;

/// How ranks share a plan's requests. Rank 0 alone has files; it is the first rank of the first team.
struct Division {
    std::size_t ranks = 1;
    std::vector<Team> teams;                        ///< each answers requests of its own
    std::map<std::size_t, LaneDivision> divisions;  ///< by Lane::ranks
    std::size_t requests = 1;  ///< that there are: uploads, or sets of the packed packing
    double seconds = 0;        ///< estimated, for all requests

    /// Where a rank works.
    struct Post {
        std::size_t team = 0;
        std::size_t lane = 0;
        std::size_t rank = 0;  ///< of the lane
    };
    [[nodiscard]] Post post(std::size_t rank) const;
    [[nodiscard]] const LaneDivision& of(const Lane& lane) const { return divisions.at(lane.ranks); }
    /// Ranks that have nothing to do.
    [[nodiscard]] std::size_t idle() const;
    /// Between ranks, for one request of a team; keys and model, which travel once, left out.
    [[nodiscard]] std::uint64_t request_bytes(const Team& team) const;
    [[nodiscard]] std::uint64_t line_bytes(const Team& team, std::size_t line) const;
    [[nodiscard]] std::uint64_t reply_bytes(const Team& team) const;
};

/// The division that is estimated to answer Machines::uploads soonest: how many requests at a time, how many
/// lanes of plaintext moduli for each, and within a lane as divide_lane() says. Throws Error for no rank or
/// no bandwidth.
[[nodiscard]] Division divide(const ExpandedModel& model, const Plan& plan, const Machines& machines);

}  // namespace lacuna
