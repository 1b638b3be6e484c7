// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/packing/packed_arrangement.h>

#include <algorithm>

namespace lacuna {

std::vector<Place> PackedArrangement::places(const Shape& shape) const {
    std::vector<Place> places;
    for (std::size_t c = 0; c < shape.channels; ++c) {
        for (std::size_t y = origin.vertical; y < shape.height + origin.vertical; ++y) {
            for (std::size_t x = origin.horizontal; x < shape.width + origin.horizontal; ++x) {
                const std::size_t block =
                    (c * phases.vertical + y % phases.vertical) * phases.horizontal + x % phases.horizontal;
                places.push_back({block / blocks, block % blocks * block_step +
                                                      y / phases.vertical * row_step +
                                                      x / phases.horizontal * column_step});
            }
        }
    }
    return places;
}

std::size_t PackedArrangement::slots(const Shape& shape) const {
    std::size_t last = 0;
    for (const Place& place : places(shape)) {
        last = std::max(last, place.position);
    }
    return last + (copies - 1) * copy_step + 1;
}

}  // namespace lacuna
