// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stop_token>

namespace lacuna {

/// Prints every shipped model beside the published networks (arXiv 1811.09953), by homomorphic operations,
/// accuracy and range, and other published systems beside the shipped model that comes closest. Throws
/// Stopped where a stop was requested.
void print_comparison(bool json, const std::stop_token& stop);

}  // namespace lacuna
