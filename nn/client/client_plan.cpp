// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/client/client_plan.h>

#include <algorithm>

namespace lacuna {

Layout ClientPlan::input_layout(std::size_t images) const {
    if (packing == Packing::packed) {
        return {packing, input_shape.size(), images, 0, packed.input.ciphertexts(input_shape), packed.images};
    }
    return {packing, input_shape.size(), images, 0};
}

Layout ClientPlan::reply_layout(std::size_t images) const {
    if (packing == Packing::packed) {
        std::size_t last = 0;
        for (const std::size_t logit : packed.logits) {
            last = std::max(last, logit);
        }
        return {packing,      classes, images, 0, last / parameters.plain_polynomials.front().power() + 1,
                packed.images};
    }
    return {packing, classes, images, reply_stride};
}

}  // namespace lacuna
