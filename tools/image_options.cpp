// SPDX-License-Identifier: Apache-2.0
#include "tools/image_options.h"

#include <utility>

#include <lacuna/ntt/error.h>
#include "tools/option_checks.h"
#include "tools/pictures.h"

namespace lacuna {

namespace {

/// Of one command: more are several files.
constexpr std::size_t most_images = 1'000'000;

std::vector<std::uint8_t> read_all(const std::vector<std::string>& files, const Shape& shape) {
    std::vector<std::uint8_t> pixels;
    const std::size_t size = shape.size();
    for (const std::string& file : files) {
        const std::size_t room = most_images - pixels.size() / size;
        const std::vector<std::uint8_t> more =
            room == 0 ? std::vector<std::uint8_t>() : read_pictures(file, shape, room);
        if (room == 0 || more.size() > room * size) {
            throw Error(file + ": expected at most " + std::to_string(most_images) +
                        " images at a time, found more; give them in several calls");
        }
        pixels.insert(pixels.end(), more.begin(), more.end());
    }
    return pixels;
}

}  // namespace

void ImageOptions::add_to(CLI::App& command, const std::string& images_help) {
    auto* files =
        command.add_option("--images", images, images_help)->type_name("FILE...")->check(not_empty());
    data.add_to(command)->excludes(files);
}

std::vector<std::uint8_t> ImageOptions::read(const ClientPlan& plan, const std::stop_token& stop) const {
    if (!data.given()) {
        return read_all(images, plan.input_shape);
    }
    return std::move(data.read(plan.input_shape, plan.features, stop).pixels);
}

}  // namespace lacuna
