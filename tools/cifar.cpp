// SPDX-License-Identifier: Apache-2.0
#include "tools/cifar.h"

#include <array>
#include <string>

#include <lacuna/he/files/source.h>
#include <lacuna/ntt/error.h>

namespace lacuna {

void read_cifar(const std::filesystem::path& file, InputRows& rows) {
    constexpr std::array<std::size_t, 3> shape = {3, 32, 32};
    constexpr std::size_t pixels = shape[0] * shape[1] * shape[2];
    constexpr std::size_t largest_label = 9;
    Source source(file);
    check_row_shape(shape, rows.shape(), source.name());
    std::array<std::uint8_t, 1 + pixels> record{};
    for (std::size_t row = 0; !rows.full(); ++row) {
        const std::size_t found = source.read_some(record);
        if (found == 0) {
            break;
        }
        const std::string place = source.name() + ": record " + std::to_string(row);
        if (found != record.size()) {
            throw Error(place + ": expected " + std::to_string(record.size()) +
                        " bytes, a label and 3 x 32 x 32 pixels, found " + std::to_string(found) +
                        "; give a file of CIFAR-10's binary version, whole");
        }
        if (record[0] > largest_label) {
            throw Error(place + ": expected a label 0 ... 9, found " + std::to_string(record[0]) +
                        "; give a file of CIFAR-10's binary version");
        }
        if (rows.take()) {
            rows.add_pixels(std::span(record).subspan(1), record[0]);
        }
    }
}

}  // namespace lacuna
