// SPDX-License-Identifier: Apache-2.0
#include "tools/division_text.h"

#include <algorithm>
#include <sstream>

#include "tools/quantity.h"
#include "tools/table.h"
#include "tools/terminal_text.h"

namespace lacuna {

namespace {

/// What a line does in a lane.
const char* way(const LineDivision& line) {
    switch (line.kind) {
        case LineDivision::Kind::each:
            return "each value where it is";
        case LineDivision::Kind::rows:
            return "by rows: inputs move";
        case LineDivision::Kind::sums:
            return "by rows: partial sums move";
        case LineDivision::Kind::giants:
            return line.returns.empty() ? "all on one rank" : "by giant steps";
    }
    return "";
}

/// Of all the lanes of the first team together, the one that takes longest.
const LaneDivision& slowest(const Division& division) {
    const Team& team = division.teams.front();
    const auto seconds = [&](const Lane& lane) {
        return division.of(lane).seconds() * static_cast<double>(lane.moduli.size());
    };
    return division.of(*std::max_element(
        team.begin(), team.end(), [&](const Lane& a, const Lane& b) { return seconds(a) < seconds(b); }));
}

std::string counted(std::size_t count, const std::string& one, const std::string& more) {
    return count_text(count) + " " + (count == 1 ? one : more);
}

/// "2 lanes by plaintext modulus, of 16 ranks each"
std::string lanes_text(const Division& division) {
    std::ostringstream text;
    const Team& team = division.teams.front();
    text << counted(division.teams.size(), "request", "requests") << " at a time, each in "
         << counted(team.size(), "lane", "lanes") << " by plaintext modulus of";
    for (std::size_t lane = 0; lane < team.size(); ++lane) {
        text << (lane == 0 ? " " : ", ") << counted(team[lane].ranks, "rank", "ranks") << " ("
             << counted(team[lane].moduli.size(), "modulus", "moduli") << ")";
    }
    return text.str();
}

}  // namespace

std::string division_text(const Plan& plan, const Division& division, double bits_per_second) {
    std::ostringstream text;
    const Team& team = division.teams.front();
    text << "Shared out between " << counted(division.ranks, "rank", "ranks") << " at "
         << decimal_text(bits_per_second * 1e-9, 1) << " Gb/s: " << lanes_text(division) << "\n\n";
    Table table({"step", "how", "work", "exchange", "bytes moved"}, true);
    const double bytes_per_second = bits_per_second / 8;
    const auto transfer = [&](const char* name, const char* how, std::uint64_t bytes) {
        table.add({name, how, "", seconds_text(static_cast<double>(bytes) / bytes_per_second),
                   bytes_text(static_cast<double>(bytes))});
    };
    transfer("request", "from rank 0 to whoever needs it", division.request_bytes(team));
    const LaneDivision& lane = slowest(division);
    for (std::size_t i = 0; i < lane.lines.size(); ++i) {
        const LineDivision& line = lane.lines[i];
        table.add({terminal_text(plan.steps[i].name), way(line), seconds_text(line.seconds),
                   seconds_text(line.exchange_seconds),
                   bytes_text(static_cast<double>(division.line_bytes(team, i)))});
    }
    transfer("reply", "from every rank to rank 0", division.reply_bytes(team));
    text << table
         << "  (of one request; work and exchange of one plaintext modulus, in the lane that takes longest; "
            "bytes of all moduli)\n\n"
         << "Estimated time " << seconds_text(division.seconds) << " for "
         << counted(division.requests, "request", "requests") << "; once a client, keys of "
         << bytes_text(plan.evaluation_key_bytes()) << " go to every other rank";
    if (const std::size_t idle = division.idle(); idle > 0) {
        text << "; " << counted(idle, "rank has", "ranks have") << " nothing to do";
    }
    text << '\n';
    return text.str();
}

nlohmann::ordered_json division_json(const Plan& plan, const Division& division, double bits_per_second) {
    const Team& team = division.teams.front();
    nlohmann::ordered_json lanes = nlohmann::ordered_json::array();
    for (const Lane& lane : team) {
        lanes.push_back({{"first_rank", lane.first}, {"ranks", lane.ranks}, {"moduli", lane.moduli}});
    }
    nlohmann::ordered_json lines = nlohmann::ordered_json::array();
    const LaneDivision& lane = slowest(division);
    for (std::size_t i = 0; i < lane.lines.size(); ++i) {
        lines.push_back({{"step", plan.steps[i].name},
                         {"how", way(lane.lines[i])},
                         {"seconds", lane.lines[i].seconds},
                         {"exchange_seconds", lane.lines[i].exchange_seconds},
                         {"bytes", division.line_bytes(team, i)}});
    }
    return {{"ranks", division.ranks},
            {"bits_per_second", bits_per_second},
            {"requests", division.requests},
            {"requests_at_a_time", division.teams.size()},
            {"lanes", lanes},
            {"idle_ranks", division.idle()},
            {"request_bytes", division.request_bytes(team)},
            {"lines", lines},
            {"reply_bytes", division.reply_bytes(team)},
            {"lane_seconds", lane.seconds()},
            {"estimated_seconds", division.seconds}};
}

}  // namespace lacuna
