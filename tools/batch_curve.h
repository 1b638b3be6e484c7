// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <stop_token>

#include <lacuna/nn/model/model.h>
#include "tools/plan_options.h"

namespace lacuna {

/// Prints what each number of images takes when it is planned for: packing, requests, estimated time on this
/// machine, bytes. A table, or with json a document {"model", "batches": [...]}. Throws as make_plan does.
void print_batch_curve(const Model& model, const PlanOptions& options, std::span<const std::size_t> batches,
                       bool json, const std::stop_token& stop);

}  // namespace lacuna
