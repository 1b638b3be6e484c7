// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/client/client_plan.h>

namespace lacuna {

Layout ClientPlan::input_layout(std::size_t images) const {
    return {packing, input_shape.size(), images, 0};
}

Layout ClientPlan::reply_layout(std::size_t images) const {
    return {packing, classes, images, reply_stride};
}

}  // namespace lacuna
