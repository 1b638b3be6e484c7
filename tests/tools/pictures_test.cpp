// SPDX-License-Identifier: Apache-2.0
#include "tools/pictures.h"

#include <png.h>

#include <numeric>

#include "ntt/error.h"
#include "tests/support/child_process.h"

namespace lacuna::testing {
namespace {

using Pixels = std::vector<std::uint8_t>;

/// 2 rows of 3 pixels.
const Shape shape{1, 2, 3};
const Pixels pixels = {0, 17, 255, 128, 3, 200};

Pixels read(const std::string& name, const std::string& content, const Shape& expected = shape) {
    const TemporaryFolder folder;
    write_text(folder / name, content);
    return read_pictures(folder / name, expected);
}

void expect_error(const std::string& name, const std::string& content, const std::vector<std::string>& parts,
                  const Shape& expected = shape) {
    try {
        (void)read(name, content, expected);
        ADD_FAILURE() << name << " was accepted";
    } catch (const Error& error) {
        const std::string text = error.what();
        EXPECT_NE(text.find(name), std::string::npos) << text;
        for (const std::string& part : parts) {
            EXPECT_NE(text.find(part), std::string::npos) << "expected '" << part << "' in: " << text;
        }
    }
}

std::string png(png_uint_32 format, std::size_t height, std::size_t width, const Pixels& words) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.format = format;
    image.height = static_cast<png_uint_32>(height);
    image.width = static_cast<png_uint_32>(width);
    png_alloc_size_t size = 0;
    EXPECT_NE(png_image_write_get_memory_size(image, size, 0, words.data(), 0, nullptr), 0);
    std::string bytes(size, '\0');
    EXPECT_NE(png_image_write_to_memory(&image, bytes.data(), &size, 0, words.data(), 0, nullptr), 0);
    bytes.resize(size);
    return bytes;
}

TEST(Pictures, EveryFormatGivesTheSamePixels) {
    EXPECT_EQ(read("a.png", png(PNG_FORMAT_GRAY, 2, 3, pixels)), pixels);
    EXPECT_EQ(
        read("a.pgm", std::string("P5\n# a comment\n3 2\n255\n") + std::string(pixels.begin(), pixels.end())),
        pixels);
    EXPECT_EQ(read("a.pgm", "P2 3 2 255\n0 17 255\n128 3 200\n"), pixels);
    EXPECT_EQ(read("a.csv", "0,17,255,128,3,200\n"), pixels);
    EXPECT_EQ(read("a.idx", std::string("\0\0\x08\x03\0\0\0\x01\0\0\0\x02\0\0\0\x03", 16) +
                                std::string(pixels.begin(), pixels.end())),
              pixels);
}

TEST(Pictures, SeveralImagesInOneFile) {
    EXPECT_EQ(read("a.csv", "0, 1, 2, 3, 4, 5\r\n\n6,7,8,9,10,11").size(), 12U);
}

TEST(Pictures, ScalesALargestValueBelowWhite) {
    EXPECT_EQ(read("a.pgm", "P2 3 2 15 0 1 15 7 8 2"), (Pixels{0, 17, 255, 119, 136, 34}));
}

TEST(Pictures, ColoursBecomeChannels) {
    Pixels interleaved(18);
    std::iota(interleaved.begin(), interleaved.end(), std::uint8_t{0});
    const Pixels planes = read("a.png", png(PNG_FORMAT_RGB, 2, 3, interleaved), {3, 2, 3});
    EXPECT_EQ(planes, (Pixels{0, 3, 6, 9, 12, 15, 1, 4, 7, 10, 13, 16, 2, 5, 8, 11, 14, 17}));
}

TEST(Pictures, RefusesOtherSizes) {
    expect_error("a.png", png(PNG_FORMAT_GRAY, 3, 2, pixels), {"3 x 2", "2 x 3", "scale it"});
    expect_error("a.pgm", "P2 2 3 255 1 2 3 4 5 6", {"3 x 2", "2 x 3"});
    expect_error("a.csv", "1,2,3\n", {"6 pixels in line 1", "found 3"});
    expect_error("a.pgm", "P2 3 2 255 1 2 3 4 5 6", {"3 channels"}, {3, 2, 3});
}

TEST(Pictures, RefusesDamage) {
    const std::string whole = png(PNG_FORMAT_GRAY, 2, 3, pixels);
    expect_error("a.png", whole.substr(0, whole.size() / 2), {"PNG"});
    expect_error("a.pgm", "P5 3 2 255 abc", {"6 pixels"});
    expect_error("a.pgm", "P2 3 2 255 1 2 3 4 5", {"a pixel", "the end"});
    expect_error("a.pgm", "P2 3 2 255 1 2 3 4 5 6 7", {"6 pixels", "more"});
    expect_error("a.pgm", "P2 3 2 255 1 2 3 4 5 256", {"255"});
    expect_error("a.pgm", "P2 3 2 0 0 0 0 0 0 0", {"largest value"});
    expect_error("a.csv", "1,2,3,4,5,six\n", {"line 1", "'six'"});
    expect_error("a.csv", "1,2,3,4,5,256\n", {"0 ... 255", "'256'"});
    expect_error("a.csv", "\n", {"an image a line"});
    expect_error("a.txt", "1,2,3,4,5,6\n", {"PNG, PGM or IDX"});
    expect_error("a.idx", std::string("\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x03", 16), {"expected"});
    EXPECT_THROW((void)read_pictures("/nonexistent.png", shape), Error);
}

}  // namespace
}  // namespace lacuna::testing
