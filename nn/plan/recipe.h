// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include <lacuna/nn/packing/packed_network.h>
#include <lacuna/nn/program/choices.h>
#include <lacuna/nn/program/stage.h>

namespace lacuna {

/// What planning took long to find: with it, and the client's half, a plan of the same model is made again
/// without a search (remake_plan).
struct PlanRecipe {
    std::size_t batch = 1;        ///< images that were asked for
    bool keyless = false;         ///< ProgramSetting::keyless
    std::vector<Stage> stages;    ///< measured: terms and norms of the layers
    Choices choices;              ///< levels of the program
    std::vector<PackedWay> ways;  ///< of the packed packing: layouts of the linear layers
};

}  // namespace lacuna
