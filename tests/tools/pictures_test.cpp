// SPDX-License-Identifier: Apache-2.0
#include "tools/pictures.h"

#include <png.h>
#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <thread>
#include <utility>

#include <lacuna/ntt/error.h>
#include "tests/support/child_process.h"

namespace lacuna::testing {
namespace {

using Pixels = std::vector<std::uint8_t>;

/// 2 rows of 3 pixels.
const Shape shape{1, 2, 3};
const Pixels pixels = {0, 17, 255, 128, 3, 200};
constexpr std::size_t most = 2;

Pixels read(const std::string& name, const std::string& content, const Shape& expected = shape) {
    const TemporaryFolder folder;
    write_text(folder / name, content);
    return read_pictures(folder / name, expected, most);
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

/// A PNG written from its definition (ISO/IEC 15948), with zlib alone: libpng has no part in it. Samples are
/// given by row, column and channel, in `bits` bits each.
class PngText {
  public:
    using Samples = std::function<std::uint32_t(std::size_t row, std::size_t column, std::size_t channel)>;

    int bits = 8;
    int colour_type = 0;
    bool interlaced = false;
    std::size_t height = 1;
    std::size_t width = 1;
    Samples samples;
    std::string chunks;  ///< between header and data

    [[nodiscard]] std::size_t channels() const {
        return colour_type == 2 ? 3 : colour_type == 4 ? 2 : colour_type == 6 ? 4 : 1;
    }
    [[nodiscard]] std::string text() const {
        std::string header = word(width) + word(height);
        for (const int byte : {bits, colour_type, 0, 0, interlaced ? 1 : 0}) {
            header += static_cast<char>(byte);
        }
        return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunks + chunk("IDAT", compressed(scanlines())) +
               chunk("IEND", "");
    }
    static std::string chunk(const std::string& type, const std::string& data) {
        const std::string covered = type + data;
        return word(data.size()) + covered +
               word(crc32(0, reinterpret_cast<const Bytef*>(covered.data()),
                          static_cast<uInt>(covered.size())));
    }

  private:
    static std::string word(std::size_t value) {
        std::string text;
        for (int shift = 24; shift >= 0; shift -= 8) {
            text += static_cast<char>(value >> shift);
        }
        return text;
    }
    static std::string compressed(const std::string& data) {
        uLongf size = compressBound(static_cast<uLong>(data.size()));
        std::string bytes(size, '\0');
        EXPECT_EQ(compress(reinterpret_cast<Bytef*>(bytes.data()), &size,
                           reinterpret_cast<const Bytef*>(data.data()), static_cast<uLong>(data.size())),
                  Z_OK);
        bytes.resize(size);
        return bytes;
    }
    /// Every line of every pass, unfiltered, most significant bits first.
    [[nodiscard]] std::string scanlines() const {
        struct Pass {
            std::size_t row, column, row_step, column_step;
        };
        // Adam7, table in section 8.2 of the standard.
        const std::vector<Pass> passes =
            interlaced ? std::vector<Pass>{{0, 0, 8, 8}, {0, 4, 8, 8}, {4, 0, 8, 4}, {0, 2, 4, 4},
                                           {2, 0, 4, 2}, {0, 1, 2, 2}, {1, 0, 2, 1}}
                       : std::vector<Pass>{{0, 0, 1, 1}};
        std::string lines;
        for (const Pass& pass : passes) {
            for (std::size_t row = pass.row; row < height && pass.column < width; row += pass.row_step) {
                lines += '\0';
                std::uint32_t pending = 0;
                int pending_bits = 0;
                for (std::size_t column = pass.column; column < width; column += pass.column_step) {
                    for (std::size_t channel = 0; channel < channels(); ++channel) {
                        pending = pending << bits | samples(row, column, channel);
                        pending_bits += bits;
                        for (; pending_bits >= 8; pending_bits -= 8) {
                            lines += static_cast<char>(pending >> (pending_bits - 8));
                        }
                    }
                }
                if (pending_bits > 0) {
                    lines += static_cast<char>(pending << (8 - pending_bits));
                }
            }
        }
        return lines;
    }
};

/// Any sample, the same one whenever it is asked for.
std::uint32_t arbitrary(std::size_t row, std::size_t column, std::size_t channel, std::uint32_t white) {
    return static_cast<std::uint32_t>(
               (row * 7919 + column * 104729 + channel * 1299709 + 12345) * 2654435761U >> 7) %
           (white + 1);
}

/// A colour and its opacity, each from 0 to 1.
struct Colour {
    double red, green, blue, opacity;
};

/// What the pixels have to be: floating point from the definitions in tools/pictures.h.
Pixels expected_pixels(const PngText& png, std::size_t channels,
                       const std::function<Colour(std::size_t, std::size_t)>& colour) {
    Pixels result(channels * png.height * png.width);
    const auto round = [](double value) { return static_cast<std::uint8_t>(std::floor(value * 255 + 0.5)); };
    for (std::size_t row = 0; row < png.height; ++row) {
        for (std::size_t column = 0; column < png.width; ++column) {
            const auto [red, green, blue, opacity] = colour(row, column);
            const std::size_t plane = png.height * png.width;
            const std::size_t i = row * png.width + column;
            if (channels == 1) {
                result[i] = round((0.299 * red + 0.587 * green + 0.114 * blue) * opacity);
            } else {
                result[i] = round(red * opacity);
                result[plane + i] = round(green * opacity);
                result[2 * plane + i] = round(blue * opacity);
            }
        }
    }
    return result;
}

void expect_close(const Pixels& found, const Pixels& expected, const std::string& what) {
    ASSERT_EQ(found.size(), expected.size()) << what;
    for (std::size_t i = 0; i < found.size(); ++i) {
        // Exactly half way between two numbers floating point may go either way.
        ASSERT_LE(std::abs(int{found[i]} - int{expected[i]}), 1) << what << ", sample " << i;
    }
    std::size_t other = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
        other += found[i] == expected[i] ? 0 : 1;
    }
    EXPECT_LE(other, found.size() / 50) << what;
}

TEST(Png, EveryKindReadsAsItsDefinitionSays) {
    for (const auto& [type, depths] : std::vector<std::pair<int, std::vector<int>>>{
             {0, {1, 2, 4, 8, 16}}, {2, {8, 16}}, {3, {1, 2, 4, 8}}, {4, {8, 16}}, {6, {8, 16}}}) {
        for (const int bits : depths) {
            for (const bool interlaced : {false, true}) {
                PngText png;
                png.colour_type = type;
                png.bits = bits;
                png.interlaced = interlaced;
                png.height = 13;
                png.width = 11;
                const std::uint32_t white = (1U << bits) - 1;
                png.samples = [white](std::size_t row, std::size_t column, std::size_t channel) {
                    return arbitrary(row, column, channel, white);
                };
                std::string palette;
                std::string opacities;
                for (std::uint32_t i = 0; type == 3 && i <= white; ++i) {
                    for (std::size_t channel = 0; channel < 3; ++channel) {
                        palette += static_cast<char>(arbitrary(i, 1, channel, 255));
                    }
                    opacities += static_cast<char>(arbitrary(i, 2, 0, 255));
                }
                if (type == 3) {
                    png.chunks = PngText::chunk("PLTE", palette) + PngText::chunk("tRNS", opacities);
                }
                const auto colour = [&](std::size_t row, std::size_t column) -> Colour {
                    const auto share = [&](std::size_t channel) {
                        return png.samples(row, column, channel) / static_cast<double>(white);
                    };
                    const auto byte = [](char c) { return static_cast<std::uint8_t>(c) / 255.0; };
                    const std::size_t index = png.samples(row, column, 0);
                    switch (type) {
                        case 0:
                            return {share(0), share(0), share(0), 1};
                        case 2:
                            return {share(0), share(1), share(2), 1};
                        case 3:
                            return {byte(palette[3 * index]), byte(palette[3 * index + 1]),
                                    byte(palette[3 * index + 2]), byte(opacities[index])};
                        case 4:
                            return {share(0), share(0), share(0), share(1)};
                        default:
                            return {share(0), share(1), share(2), share(3)};
                    }
                };
                for (const std::size_t channels : {std::size_t{1}, std::size_t{3}}) {
                    const std::string what = "type " + std::to_string(type) + ", " + std::to_string(bits) +
                                             " bits" + (interlaced ? ", interlaced" : "") + ", for " +
                                             std::to_string(channels) + " channels";
                    expect_close(read("a.png", png.text(), {channels, 13, 11}),
                                 expected_pixels(png, channels, colour), what);
                }
            }
        }
    }
}

TEST(Png, SixteenBitsAreNoLinearLight) {
    PngText png;
    png.bits = 16;
    png.height = 2;
    png.width = 3;
    png.samples = [](std::size_t row, std::size_t column, std::size_t) {
        return pixels[row * 3 + column] * 257U;
    };
    EXPECT_EQ(read("a.png", png.text()), pixels);
    // What the file says of its gamma changes nothing: 1.0, and sRGB's.
    for (const std::string& gamma :
         {std::string("\x00\x01\x86\xa0", 4), std::string("\x00\x00\xb1\x8f", 4)}) {
        png.chunks = PngText::chunk("gAMA", gamma);
        EXPECT_EQ(read("a.png", png.text()), pixels);
    }
    png.bits = 8;
    png.samples = [](std::size_t row, std::size_t column, std::size_t) {
        return std::uint32_t{pixels[row * 3 + column]};
    };
    EXPECT_EQ(read("a.png", png.text()), pixels);
}

TEST(Png, ATransparentColourIsLaidOnBlack) {
    PngText png;
    png.height = 2;
    png.width = 3;
    png.samples = [](std::size_t row, std::size_t column, std::size_t) {
        return std::uint32_t{pixels[row * 3 + column]};
    };
    png.chunks = PngText::chunk("tRNS", std::string("\0\xff", 2));
    Pixels expected = pixels;
    std::ranges::replace(expected, std::uint8_t{255}, std::uint8_t{0});
    EXPECT_EQ(read("a.png", png.text()), expected);
}

TEST(Png, DamageIsFoundWhereverItIs) {
    PngText png;
    png.height = 2;
    png.width = 3;
    png.samples = [](std::size_t row, std::size_t column, std::size_t) {
        return std::uint32_t{pixels[row * 3 + column]};
    };
    const std::string whole = png.text();
    for (std::size_t size = 4; size < whole.size(); ++size) {
        expect_error("a.png", whole.substr(0, size), {"PNG"});
    }
    std::string flipped = whole;
    flipped[whole.find("IDAT") + 8] ^= 1;
    expect_error("a.png", flipped, {"PNG", "damaged"});
}

TEST(Pictures, ReadNoMoreThanAsked) {
    expect_error("a.csv", "0,1,2,3,4,5\n0,1,2,3,4,5\n0,1,2,3,4,5\n", {"at most 2 images", "more"});
    std::string idx("\0\0\x08\x03\0\0\0\x03\0\0\0\x02\0\0\0\x03", 16);
    expect_error("a.idx", idx + std::string(18, 'x'), {"images from 1 to 2", "found 3"});
    // A file of a terabyte, none of which is there, is refused by its size; one without a size as soon as it
    // has given more than so many images can be long.
    const TemporaryFolder folder;
    write_text(folder / "huge.png", "\x89PNG");
    std::filesystem::resize_file(folder / "huge.png", std::uintmax_t{1} << 40);
    for (const std::filesystem::path& file : {folder / "huge.png", std::filesystem::path("/dev/zero")}) {
        try {
            (void)read_pictures(file, shape, most);
            ADD_FAILURE() << file << " was accepted";
        } catch (const Error& error) {
            EXPECT_NE(std::string(error.what()).find("at most 2 images, in 1048"), std::string::npos)
                << error.what();
        }
    }
}

TEST(Pictures, CsvAsSpreadsheetsWriteIt) {
    EXPECT_EQ(read("A.CSV",
                   "\xef\xbb\xbf"
                   "0 , 17\t,255,128 ,\t3,200 \r\n \r\n"),
              pixels);
    expect_error("a.csv", "0,1,2,3,4,\n", {"line 1", "''"});
    expect_error("a.csv", "0,1,2,3,4,5,6\n", {"6 pixels in line 1"});
}

TEST(Pictures, AnyFormatMayComeThroughAPipe) {
    const TemporaryFolder folder;
    const std::string idx = std::string("\0\0\x08\x03\0\0\0\x01\0\0\0\x02\0\0\0\x03", 16) +
                            std::string(pixels.begin(), pixels.end());
    for (const std::string& content :
         {idx, png(PNG_FORMAT_GRAY, 2, 3, pixels), std::string("P2 3 2 255 0 17 255 128 3 200")}) {
        const std::filesystem::path pipe = folder / "pipe";
        ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
        std::thread writer([&] { write_text(pipe, content); });
        EXPECT_EQ(read_pictures(pipe, shape, most), pixels);
        writer.join();
        std::filesystem::remove(pipe);
    }
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
    EXPECT_THROW((void)read_pictures("/nonexistent.png", shape, most), Error);
}

}  // namespace
}  // namespace lacuna::testing
