// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include <lacuna/nn/program/choices.h>
#include <lacuna/nn/program/cost_model.h>
#include <lacuna/nn/program/program.h>
#include <lacuna/nn/program/setting.h>
#include <lacuna/nn/program/stage.h>

namespace lacuna {

/// The layers of a model as a program: what they are made of, where the third part of products is
/// relinearised (before or after the sum that follows, whichever costs less), where primes are dropped (the
/// first in the rounding of a product, where one has just been made), and how the reply is packed.
[[nodiscard]] Program compile(std::span<const Stage> stages, const ProgramSetting& setting,
                              const CostModel& cost, const Choices& choices);

}  // namespace lacuna
