// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/plan/division.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string>

#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

/// `parts` runs that follow each other and share `ranks` ranks from `first` on, none empty where that can be.
std::vector<Lane> runs(std::size_t first, std::size_t ranks, std::size_t parts) {
    std::vector<Lane> result;
    for (std::size_t part = 0; part < parts; ++part) {
        const std::size_t begin = part * ranks / parts;
        result.push_back({first + begin, (part + 1) * ranks / parts - begin, {}});
    }
    return result;
}

class Chooser {
  public:
    Chooser(const ExpandedModel& model, const Plan& plan, const Machines& machines)
        : model_(model), plan_(plan), machines_(machines) {}

    Division run() {
        const std::size_t sets = plan_.client.packing == Packing::packed
                                     ? plan_.client.input_layout(plan_.client.batch).sets()
                                     : 1;
        const std::size_t requests = std::max<std::size_t>(1, machines_.uploads * sets);
        Division best;
        for (const std::size_t teams : counts(std::min(requests, machines_.ranks))) {
            const std::size_t ranks = machines_.ranks / teams;  // of the smallest team
            for (std::size_t lanes = 1; lanes <= std::min(plan_.moduli(), ranks); ++lanes) {
                Division division = candidate(teams, lanes);
                division.requests = requests;
                division.seconds = seconds(division);
                if (best.teams.empty() || division.seconds < best.seconds * 0.999) {
                    best = std::move(division);
                }
            }
        }
        keep_used(best);
        return best;
    }

  private:
    /// Numbers of teams to try: powers of two, and the most.
    static std::vector<std::size_t> counts(std::size_t most) {
        std::vector<std::size_t> result;
        for (std::size_t teams = 1; teams < most; teams *= 2) {
            result.push_back(teams);
        }
        result.push_back(most);
        return result;
    }

    Division candidate(std::size_t teams, std::size_t lanes) {
        Division division;
        division.ranks = machines_.ranks;
        for (const Lane& all : runs(0, machines_.ranks, teams)) {
            Team team = runs(all.first, all.ranks, lanes);
            // The lanes with most ranks take the first moduli, and so one more where they do not divide
            // evenly.
            std::vector<std::size_t> order(lanes);
            std::iota(order.begin(), order.end(), std::size_t{0});
            std::stable_sort(order.begin(), order.end(),
                             [&](std::size_t a, std::size_t b) { return team[a].ranks > team[b].ranks; });
            for (std::size_t m = 0; m < plan_.moduli(); ++m) {
                team[order[m % lanes]].moduli.push_back(m);
            }
            for (const Lane& lane : team) {
                share(lane.ranks);
            }
            division.teams.push_back(std::move(team));
        }
        division.divisions = known_;
        return division;
    }

    void share(std::size_t ranks) {
        if (!known_.contains(ranks)) {
            Machines lane = machines_;
            lane.ranks = ranks;
            known_.emplace(ranks, divide_lane(model_, plan_, lane));
        }
    }

    /// Rank 0 sends every request and gets every reply.
    [[nodiscard]] double seconds(const Division& division) const {
        const std::size_t teams = division.teams.size();
        const std::size_t rounds = (division.requests + teams - 1) / teams;
        double longest = 0;
        std::uint64_t moved = 0;
        for (const Team& team : division.teams) {
            moved += division.request_bytes(team) + division.reply_bytes(team);
            for (const Lane& lane : team) {
                longest =
                    std::max(longest, division.of(lane).seconds() * static_cast<double>(lane.moduli.size()));
            }
        }
        return static_cast<double>(rounds) *
               (longest + static_cast<double>(moved) / machines_.bytes_per_second);
    }

    static void keep_used(Division& division) {
        std::set<std::size_t> used;
        for (const Team& team : division.teams) {
            for (const Lane& lane : team) {
                used.insert(lane.ranks);
            }
        }
        std::erase_if(division.divisions, [&](const auto& entry) { return !used.contains(entry.first); });
    }

    const ExpandedModel& model_;
    const Plan& plan_;
    const Machines& machines_;
    std::map<std::size_t, LaneDivision> known_;
};

}  // namespace

Division::Post Division::post(std::size_t rank) const {
    for (std::size_t team = 0; team < teams.size(); ++team) {
        for (std::size_t lane = 0; lane < teams[team].size(); ++lane) {
            const Lane& here = teams[team][lane];
            if (rank >= here.first && rank < here.first + here.ranks) {
                return {team, lane, rank - here.first};
            }
        }
    }
    throw Error("division: expected a rank below " + std::to_string(ranks) + ", found " +
                std::to_string(rank));
}

std::size_t Division::idle() const {
    std::size_t count = 0;
    for (const Team& team : teams) {
        for (const Lane& lane : team) {
            const LaneDivision& division = of(lane);
            for (std::size_t rank = 0; rank < lane.ranks; ++rank) {
                const bool busy =
                    std::any_of(division.lines.begin(), division.lines.end(), [&](const LineDivision& line) {
                        return !line.has[rank].empty() ||
                               (rank < line.computes.size() && !line.computes[rank].empty());
                    });
                count += busy ? 0 : 1;
            }
        }
    }
    return count;
}

std::uint64_t Division::request_bytes(const Team& team) const {
    std::uint64_t sum = 0;
    for (const Lane& lane : team) {
        for (std::size_t rank = lane.first == 0 ? 1 : 0; rank < lane.ranks; ++rank) {
            sum += of(lane).request_bytes(rank) * lane.moduli.size();
        }
    }
    return sum;
}

std::uint64_t Division::line_bytes(const Team& team, std::size_t line) const {
    std::uint64_t sum = 0;
    for (const Lane& lane : team) {
        sum += of(lane).lines[line].bytes() * lane.moduli.size();
    }
    return sum;
}

std::uint64_t Division::reply_bytes(const Team& team) const {
    std::uint64_t sum = 0;
    for (const Lane& lane : team) {
        for (std::size_t rank = lane.first == 0 ? 1 : 0; rank < lane.ranks; ++rank) {
            sum += of(lane).reply_bytes_of(rank) * lane.moduli.size();
        }
    }
    return sum;
}

Division divide(const ExpandedModel& model, const Plan& plan, const Machines& machines) {
    if (machines.ranks < 1 || !(machines.bytes_per_second > 0) || !(machines.nominal_seconds > 0)) {
        throw Error("division: expected at least one rank, and a bandwidth and a speed above 0, found " +
                    std::to_string(machines.ranks) + " ranks");
    }
    return Chooser(model, plan, machines).run();
}

}  // namespace lacuna
