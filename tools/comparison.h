// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace lacuna {

/// Prints every shipped model beside the published networks (arXiv 1811.09953), by homomorphic operations,
/// accuracy and range, and other published systems beside the shipped model that comes closest.
void print_comparison(bool json);

}  // namespace lacuna
