// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>

namespace lacuna {

/// Calls work(i) once for every i in [0, count), in any order, on at most `threads` threads (one, where fewer
/// are asked for). What one of them throws first keeps calls that have not begun from beginning, and is
/// thrown again here. The library's only parallel loop; built without OpenMP it makes the calls one after the
/// other.
void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t)>& work);

}  // namespace lacuna
