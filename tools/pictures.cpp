// SPDX-License-Identifier: Apache-2.0
#include "tools/pictures.h"

#include <png.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include <lacuna/he/files/source.h>
#include <lacuna/ntt/error.h>
#include "tools/idx.h"

namespace lacuna {

namespace {

std::string size_text(std::size_t channels, std::size_t height, std::size_t width) {
    return (channels == 1 ? "a grey image" : "an image of " + std::to_string(channels) + " channels") +
           " of " + std::to_string(width) + " x " + std::to_string(height) + " pixels";
}

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& expected,
                       const std::string& found) {
    throw Error(file.string() + ": expected " + expected + ", found " + found);
}

std::string count_of(std::size_t images) {
    return "at most " + std::to_string(images) + (images == 1 ? " image" : " images");
}

/// Height and width are the network's.
void check_size(const std::filesystem::path& file, const Shape& shape, std::size_t channels,
                std::size_t height, std::size_t width) {
    if (shape.channels != channels || shape.height != height || shape.width != width) {
        fail(file, size_text(shape.channels, shape.height, shape.width) + " as the plan says",
             size_text(channels, height, width) + "; scale it first");
    }
}

/// More than any of the formats needs for an image, comments and text of its own included.
std::size_t longest_file(const Shape& shape, std::size_t most) {
    constexpr std::size_t bytes_per_pixel = 16;
    constexpr std::size_t around = std::size_t{1} << 20;
    return most * shape.size() * bytes_per_pixel + around;
}

std::string read_bytes(const std::filesystem::path& file, const Shape& shape, std::size_t most) {
    const std::size_t longest = longest_file(shape, most);
    Source source(file);
    const auto fail_long = [&](const std::string& found) {
        fail(file, count_of(most) + ", in " + std::to_string(longest) + " bytes at most", found);
    };
    if (source.remaining().value_or(0) > longest) {
        fail_long(std::to_string(*source.remaining()) + " bytes");
    }
    std::string bytes;
    std::array<std::uint8_t, 1 << 16> chunk{};
    while (const std::size_t count = source.read_some(chunk)) {
        bytes.append(reinterpret_cast<const char*>(chunk.data()), count);
        if (bytes.size() > longest) {
            fail_long("more");
        }
    }
    return bytes;
}

/// What libpng reads from, and what it last complained about.
struct PngSource {
    std::string_view rest;
    std::array<char, 200> problem{};
};

void read_png_bytes(png_structp png, png_bytep out, png_size_t count) {
    auto& rest = static_cast<PngSource*>(png_get_io_ptr(png))->rest;
    if (count > rest.size()) {
        png_error(png, "the data is cut off");
    }
    std::memcpy(out, rest.data(), count);
    rest.remove_prefix(count);
}

[[noreturn]] void note_png_problem(png_structp png, png_const_charp text) {
    auto& problem = static_cast<PngSource*>(png_get_error_ptr(png))->problem;
    std::snprintf(problem.data(), problem.size(), "%s", text);
    png_longjmp(png, 1);
}

struct PngHeader {
    png_uint_32 width = 0;
    png_uint_32 height = 0;
    bool colour = false;
};

/// libpng's reading state.
class PngReader {
  public:
    explicit PngReader(std::string_view bytes)
        : source_{bytes},
          png_(png_create_read_struct(PNG_LIBPNG_VER_STRING, &source_, note_png_problem,
                                      [](png_structp, png_const_charp) {})),
          info_(png_ == nullptr ? nullptr : png_create_info_struct(png_)) {
        if (info_ == nullptr) {
            png_destroy_read_struct(&png_, nullptr, nullptr);
            throw std::bad_alloc();
        }
        png_set_read_fn(png_, &source_, read_png_bytes);
        // What does not become pixels is not kept.
        png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
    }
    ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
    PngReader(const PngReader&) = delete;
    PngReader& operator=(const PngReader&) = delete;

    // libpng leaves both of these by longjmp() where something is wrong, so nothing in them may need a
    // destructor. They return whether all went well.
    bool read_header(PngHeader& header) {
        if (setjmp(png_jmpbuf(png_)) != 0) {
            return false;
        }
        png_read_info(png_, info_);
        header.width = png_get_image_width(png_, info_);
        header.height = png_get_image_height(png_, info_);
        header.colour = (png_get_color_type(png_, info_) & PNG_COLOR_MASK_COLOR) != 0;
        return true;
    }
    /// Red, green, blue and opacity of every pixel, 16 bits each, most significant byte first.
    bool read_image(png_bytepp rows) {
        if (setjmp(png_jmpbuf(png_)) != 0) {
            return false;
        }
        png_set_expand_16(png_);  // palettes, fewer bits and transparent colours, too
        png_set_gray_to_rgb(png_);
        constexpr png_uint_32 opaque = 65535;
        png_set_add_alpha(png_, opaque, PNG_FILLER_AFTER);
        png_set_interlace_handling(png_);
        png_read_update_info(png_, info_);
        if (png_get_rowbytes(png_, info_) != png_get_image_width(png_, info_) * bytes_per_pixel) {
            png_error(png_, "rows of another length than expected");
        }
        png_read_image(png_, rows);
        png_read_end(png_, nullptr);
        return true;
    }
    [[nodiscard]] const char* problem() const { return source_.problem.data(); }

    static constexpr std::size_t bytes_per_pixel = 8;

  private:
    PngSource source_;
    png_structp png_;
    png_infop info_;
};

std::vector<std::uint8_t> read_png(const std::filesystem::path& file, std::string_view bytes,
                                   const Shape& shape) {
    PngReader reader(bytes);
    PngHeader header;
    const auto fail_damaged = [&] {
        fail(file, "a PNG image", "a damaged one: " + std::string(reader.problem()));
    };
    if (!reader.read_header(header)) {
        fail_damaged();
    }
    const bool takes = shape.channels == 1 || shape.channels == 3;
    check_size(file, shape, takes ? shape.channels : header.colour ? 3 : 1, header.height, header.width);
    const std::size_t row_bytes = shape.width * PngReader::bytes_per_pixel;
    std::vector<std::uint8_t> samples(shape.height * row_bytes);
    std::vector<png_bytep> rows(shape.height);
    for (std::size_t row = 0; row < rows.size(); ++row) {
        rows[row] = samples.data() + row * row_bytes;
    }
    if (!reader.read_image(rows.data())) {
        fail_damaged();
    }
    constexpr std::uint64_t white = 65535;
    const std::size_t plane = shape.height * shape.width;
    std::vector<std::uint8_t> pixels(shape.channels * plane);
    for (std::size_t i = 0; i < plane; ++i) {
        const auto sample = [&](std::size_t channel) {
            const std::size_t at = i * PngReader::bytes_per_pixel + 2 * channel;
            return std::uint64_t{samples[at]} << 8 | samples[at + 1];
        };
        const auto put = [&](std::size_t channel, std::uint64_t numerator, std::uint64_t denominator) {
            pixels[channel * plane + i] =
                static_cast<std::uint8_t>((255 * numerator + denominator / 2) / denominator);
        };
        const std::uint64_t opacity = sample(3);
        if (shape.channels == 1) {
            const std::uint64_t grey = 299 * sample(0) + 587 * sample(1) + 114 * sample(2);
            put(0, grey * opacity, 1000 * white * white);
        } else {
            for (std::size_t channel = 0; channel < 3; ++channel) {
                put(channel, sample(channel) * opacity, white * white);
            }
        }
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

std::string_view without_blanks(std::string_view text) {
    constexpr std::string_view blanks = " \t";
    const std::size_t first = std::min(text.find_first_not_of(blanks), text.size());
    return text.substr(first, text.find_last_not_of(blanks) + 1 - first);
}

std::vector<std::uint8_t> read_csv(const std::filesystem::path& file, std::string_view text,
                                   const Shape& shape, std::size_t most) {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    text.remove_prefix(text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0);
    std::vector<std::uint8_t> pixels;
    for (std::size_t line = 1; !text.empty(); ++line) {
        std::string_view row = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(row.size() + 1, text.size()));
        if (row.ends_with('\r')) {
            row.remove_suffix(1);
        }
        if (without_blanks(row).empty()) {
            continue;
        }
        if (pixels.size() == most * shape.size()) {
            fail(file, count_of(most), "more; split them into several uploads");
        }
        const std::string place = " in line " + std::to_string(line);
        std::size_t columns = 0;
        for (bool more = true; more; ++columns) {
            const std::size_t comma = row.find(',');
            const std::string_view cell = without_blanks(row.substr(0, comma));
            more = comma != std::string_view::npos;
            row.remove_prefix(more ? comma + 1 : row.size());
            std::uint8_t value = 0;
            const auto [end, problem] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
            if (columns == shape.size()) {
                fail(file, std::to_string(shape.size()) + " pixels" + place, "more");
            }
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

bool is_named_csv(const std::filesystem::path& file) {
    std::string extension = file.extension().string();
    std::ranges::transform(extension, extension.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return extension == ".csv";
}

}  // namespace

std::vector<std::uint8_t> read_pictures(const std::filesystem::path& file, const Shape& shape,
                                        std::size_t most) {
    const std::string bytes = read_bytes(file, shape, most);
    const std::string_view text = bytes;
    if (text.starts_with("\x89PNG")) {
        return read_png(file, bytes, shape);
    }
    if (text.starts_with("P2") || text.starts_with("P5")) {
        return read_pgm(file, bytes, shape);
    }
    if (text.starts_with("\x1f\x8b") || text.starts_with(std::string_view("\0\0\x08\x03", 4))) {
        IdxImages images =
            read_idx_images(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()),
                            file.string(), most);
        check_size(file, shape, 1, images.rows, images.columns);
        return std::move(images.pixels);
    }
    if (is_named_csv(file)) {
        return read_csv(file, text, shape, most);
    }
    fail(file, "a PNG, PGM or IDX image, or a file named .csv", "something else");
}

}  // namespace lacuna
