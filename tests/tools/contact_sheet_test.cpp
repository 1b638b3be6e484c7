// SPDX-License-Identifier: Apache-2.0
#include "tools/contact_sheet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include <png.h>

#include <lacuna/ntt/error.h>
#include "tests/support/child_process.h"

namespace lacuna::testing {
namespace {

const std::vector<std::uint8_t> red = {200, 200, 200, 200, 10, 10, 10, 10, 20, 20, 20, 20};
const std::vector<std::uint8_t> blue = {30, 30, 30, 30, 40, 40, 40, 40, 220, 220, 220, 220};

ContactSheet two_pictures() {
    return {"a title", {3, 2, 2}, {{red, {"label 1", "one"}, true}, {blue, {"label 2", "two"}, false}}};
}

/// A PNG's pixels as red-green-blue.
struct Pixels {
    std::size_t width = 0;
    std::vector<std::uint8_t> bytes;

    [[nodiscard]] std::size_t count(std::array<std::uint8_t, 3> colour) const {
        std::size_t found = 0;
        for (std::size_t i = 0; i < bytes.size(); i += 3) {
            found += std::equal(colour.begin(), colour.end(), bytes.begin() + static_cast<std::ptrdiff_t>(i));
        }
        return found;
    }
};

Pixels read_png(const std::filesystem::path& file) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    EXPECT_NE(png_image_begin_read_from_file(&image, file.c_str()), 0);
    image.format = PNG_FORMAT_RGB;
    Pixels pixels{image.width, std::vector<std::uint8_t>(PNG_IMAGE_SIZE(image))};
    EXPECT_NE(png_image_finish_read(&image, nullptr, pixels.bytes.data(), 0, nullptr), 0);
    return pixels;
}

TEST(ContactSheet, DrawsThePicturesInTheirColours) {
    const TemporaryFolder folder;
    draw_contact_sheet(folder / "sheet.png", two_pictures());
    const Pixels pixels = read_png(folder / "sheet.png");
    EXPECT_GT(pixels.width, 2U * 96U);
    // All but what lies under a frame.
    EXPECT_GT(pixels.count({200, 10, 20}), 90U * 90U);
    EXPECT_GT(pixels.count({30, 40, 220}), 90U * 90U);
    EXPECT_EQ(pixels.count({1, 2, 3}), 0U);
}

TEST(ContactSheet, AnSvgHasImagesAndNamesNoFile) {
    const TemporaryFolder folder;
    draw_contact_sheet(folder / "sheet.svg", two_pictures());
    const std::string text = read_text(folder / "sheet.svg");
    EXPECT_NE(text.find("<svg"), std::string::npos);
    EXPECT_NE(text.find("data:image/png;base64"), std::string::npos);
}

TEST(ContactSheet, RefusesOtherFiles) {
    const TemporaryFolder folder;
    EXPECT_THROW(draw_contact_sheet(folder / "sheet.pdf", two_pictures()), Error);
    EXPECT_THROW(draw_contact_sheet(folder / "no" / "sheet.png", two_pictures()), Error);
    EXPECT_FALSE(std::filesystem::exists(folder / "sheet.pdf"));
}

}  // namespace
}  // namespace lacuna::testing
