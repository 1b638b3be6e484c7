// SPDX-License-Identifier: Apache-2.0
#include "tools/pictures.h"

#include <png.h>

#include <array>
#include <charconv>
#include <fstream>
#include <string>
#include <string_view>

#include "ntt/error.h"
#include "tools/idx.h"

namespace lacuna {

namespace {

constexpr std::size_t largest_file = std::size_t{1} << 30;

std::string size_text(std::size_t channels, std::size_t height, std::size_t width) {
    return (channels == 1 ? "a grey image" : "an image of " + std::to_string(channels) + " channels") +
           " of " + std::to_string(width) + " x " + std::to_string(height) + " pixels";
}

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& expected,
                       const std::string& found) {
    throw Error(file.string() + ": expected " + expected + ", found " + found);
}

/// Height and width are the network's.
void check_size(const std::filesystem::path& file, const Shape& shape, std::size_t channels,
                std::size_t height, std::size_t width) {
    if (shape.channels != channels || shape.height != height || shape.width != width) {
        fail(file, size_text(shape.channels, shape.height, shape.width) + " as the plan says",
             size_text(channels, height, width) + "; scale it first");
    }
}

std::string read_bytes(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
        throw Error(file.string() + ": cannot be opened; check its name and permissions");
    }
    std::string bytes;
    std::array<char, 1 << 16> chunk{};
    while (stream.read(chunk.data(), chunk.size()), stream.gcount() > 0) {
        bytes.append(chunk.data(), static_cast<std::size_t>(stream.gcount()));
        if (bytes.size() > largest_file) {
            fail(file, "at most " + std::to_string(largest_file) + " bytes", "more");
        }
    }
    return bytes;
}

std::vector<std::uint8_t> read_png(const std::filesystem::path& file, const std::string& bytes,
                                   const Shape& shape) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    const bool colour = shape.channels == 3;
    std::vector<std::uint8_t> interleaved;
    if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) != 0) {
        if (image.height != shape.height || image.width != shape.width || (shape.channels != 1 && !colour)) {
            const std::size_t height = image.height;
            const std::size_t width = image.width;
            const std::size_t channels = (image.format & PNG_FORMAT_FLAG_COLOR) != 0 ? 3 : 1;
            png_image_free(&image);
            check_size(file, shape, channels, height, width);
        }
        image.format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
        interleaved.resize(PNG_IMAGE_SIZE(image));
        const png_color black{0, 0, 0};
        png_image_finish_read(&image, &black, interleaved.data(), 0, nullptr);
    }
    if (PNG_IMAGE_FAILED(image)) {
        const std::string reason = image.message;
        png_image_free(&image);
        fail(file, "a PNG image", "a damaged one: " + reason);
    }
    std::vector<std::uint8_t> pixels(interleaved.size());
    const std::size_t plane = shape.height * shape.width;
    for (std::size_t i = 0; i < interleaved.size(); ++i) {
        pixels[i % shape.channels * plane + i / shape.channels] = interleaved[i];
    }
    return pixels;
}

/// Reads the numbers of a PGM file; comments run from # to the end of a line.
class PgmText {
  public:
    PgmText(const std::filesystem::path& file, std::string_view text) : file_(&file), text_(text) {}

    std::size_t number(const char* what, std::size_t most) {
        skip_blanks();
        std::size_t value = 0;
        const char* begin = text_.data() + at_;
        const auto [end, problem] = std::from_chars(begin, text_.data() + text_.size(), value);
        if (problem != std::errc() || value > most) {
            fail(*file_,
                 std::string(what) + " up to " + std::to_string(most) + " at offset " + std::to_string(at_),
                 at_ == text_.size() ? "the end" : "something else");
        }
        at_ += static_cast<std::size_t>(end - begin);
        return value;
    }
    /// What follows the one white space behind the last number.
    [[nodiscard]] std::string_view raster() const { return text_.substr(std::min(at_ + 1, text_.size())); }
    [[nodiscard]] bool at_end() {
        skip_blanks();
        return at_ == text_.size();
    }

  private:
    void skip_blanks() {
        while (at_ < text_.size() &&
               std::string_view(" \t\r\n#").find(text_[at_]) != std::string_view::npos) {
            at_ = text_[at_] == '#' ? std::min(text_.find('\n', at_), text_.size()) : at_ + 1;
        }
    }

    const std::filesystem::path* file_;
    std::string_view text_;
    std::size_t at_ = 2;  // behind P2 or P5
};

std::vector<std::uint8_t> read_pgm(const std::filesystem::path& file, const std::string& bytes,
                                   const Shape& shape) {
    PgmText text(file, bytes);
    const std::size_t width = text.number("a width", ModelLimits::dimension);
    const std::size_t height = text.number("a height", ModelLimits::dimension);
    check_size(file, shape, 1, height, width);
    const std::size_t white = text.number("a largest value", 255);
    std::vector<std::uint8_t> pixels(height * width);
    const bool binary = bytes[1] == '5';
    const std::string_view raster = text.raster();
    if (white == 0 || (binary && raster.size() != pixels.size())) {
        fail(file, "a largest value of 1 ... 255 and " + std::to_string(pixels.size()) + " pixels",
             "largest value " + std::to_string(white) + " and " + std::to_string(raster.size()) + " bytes");
    }
    for (std::size_t i = 0; i < pixels.size(); ++i) {
        const std::size_t value =
            binary ? static_cast<std::uint8_t>(raster[i]) : text.number("a pixel", white);
        if (value > white) {
            fail(file, "pixels up to " + std::to_string(white), std::to_string(value));
        }
        pixels[i] = static_cast<std::uint8_t>((value * 255 + white / 2) / white);
    }
    if (!binary && !text.at_end()) {
        fail(file, std::to_string(pixels.size()) + " pixels", "more");
    }
    return pixels;
}

std::vector<std::uint8_t> read_csv(const std::filesystem::path& file, std::string_view text,
                                   const Shape& shape) {
    std::vector<std::uint8_t> pixels;
    for (std::size_t line = 1; !text.empty(); ++line) {
        std::string_view row = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(row.size() + 1, text.size()));
        if (row.ends_with('\r')) {
            row.remove_suffix(1);
        }
        if (row.empty()) {
            continue;
        }
        const std::string place = " in line " + std::to_string(line);
        std::size_t columns = 0;
        for (bool more = true; more; ++columns) {
            const std::size_t comma = row.find(',');
            std::string_view cell = row.substr(0, comma);
            more = comma != std::string_view::npos;
            row.remove_prefix(more ? comma + 1 : row.size());
            while (cell.starts_with(' ')) {
                cell.remove_prefix(1);
            }
            std::uint8_t value = 0;
            const auto [end, problem] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
            if (problem != std::errc() || end != cell.data() + cell.size()) {
                fail(file, "pixels 0 ... 255, separated by commas" + place,
                     std::string("'").append(cell.substr(0, 20)) + "'");
            }
            pixels.push_back(value);
        }
        if (columns != shape.size()) {
            fail(file, std::to_string(shape.size()) + " pixels" + place, std::to_string(columns));
        }
    }
    if (pixels.empty()) {
        fail(file, "an image a line", "none");
    }
    return pixels;
}

}  // namespace

std::vector<std::uint8_t> read_pictures(const std::filesystem::path& file, const Shape& shape) {
    const std::string bytes = read_bytes(file);
    const std::string_view text = bytes;
    if (text.starts_with("\x89PNG")) {
        return read_png(file, bytes, shape);
    }
    if (text.starts_with("P2") || text.starts_with("P5")) {
        return read_pgm(file, bytes, shape);
    }
    if (text.starts_with("\x1f\x8b") || text.starts_with(std::string_view("\0\0\x08\x03", 4))) {
        IdxImages images = read_idx_images(file);
        check_size(file, shape, 1, images.rows, images.columns);
        if (images.count == 0) {
            fail(file, "at least one image", "none");
        }
        return std::move(images.pixels);
    }
    if (file.extension() == ".csv") {
        return read_csv(file, text, shape);
    }
    fail(file, "a PNG, PGM or IDX image, or a file named .csv", "something else");
}

}  // namespace lacuna
