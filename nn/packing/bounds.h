// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <gmpxx.h>

namespace lacuna {

/// What a packing has to hold of a model, proven for every image.
struct PackingBounds {
    mpz_class range;               ///< the largest |word| that the client decodes
    std::size_t degree = 0;        ///< the largest degree of a digit polynomial; 0 without digits
    std::size_t logit_degree = 0;  ///< the same of the logits alone
};

}  // namespace lacuna
