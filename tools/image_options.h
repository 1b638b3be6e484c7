// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include <lacuna/nn/client/client_plan.h>
#include "tools/data_set.h"

namespace lacuna {

/// The options of a client that say which inputs to encrypt: --images, or --data and those that go with it.
struct ImageOptions {
    std::vector<std::string> images;
    DataOptions data;

    /// Both, exclusive of each other; `images_help` describes the files of --images.
    void add_to(CLI::App& command, const std::string& images_help);
    [[nodiscard]] bool given() const { return !images.empty() || data.given(); }

    /// The inputs as pixels, one after another: at most 1,000,000 of --images and what DataOptions::read()
    /// allows of --data, whose numbers become pixels by the ranges in the client's half of the plan. None
    /// where neither option is given. Throws as DataOptions::read() does.
    [[nodiscard]] std::vector<std::uint8_t> read(const ClientPlan& plan, const std::stop_token& stop) const;
};

}  // namespace lacuna
