// SPDX-License-Identifier: Apache-2.0
#include "tools/contact_sheet.h"

#include <algorithm>
#include <array>
#include <memory>

#include "tools/drawing.h"

namespace lacuna {

namespace {

constexpr std::size_t most_columns = 10;
constexpr double picture_width = 96;
constexpr double border = 16;
constexpr double heading = 28;
constexpr double line_height = 13;
constexpr std::array<double, 3> right_colour = {0.10, 0.60, 0.31};
constexpr std::array<double, 3> wrong_colour = {0.84, 0.19, 0.15};

using Image = std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)>;

/// Pixels as cairo holds them: a 32-bit word each, red in bits 16 to 23.
Image image_of(std::span<const std::uint8_t> pixels, const Shape& shape) {
    Image image(cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(shape.width),
                                           static_cast<int>(shape.height)),
                cairo_surface_destroy);
    cairo_surface_flush(image.get());
    unsigned char* const bytes = cairo_image_surface_get_data(image.get());
    if (bytes == nullptr) {  // its status reaches the canvas
        return image;
    }
    const auto stride = static_cast<std::size_t>(cairo_image_surface_get_stride(image.get()));
    const std::size_t plane = shape.height * shape.width;
    const std::size_t step = shape.channels == 3 ? plane : 0;
    for (std::size_t row = 0; row < shape.height; ++row) {
        auto* const words = reinterpret_cast<std::uint32_t*>(bytes + row * stride);
        for (std::size_t column = 0; column < shape.width; ++column) {
            const std::size_t at = row * shape.width + column;
            words[column] = std::uint32_t{pixels[at]} << 16 | std::uint32_t{pixels[at + step]} << 8 |
                            pixels[at + 2 * step];
        }
    }
    cairo_surface_mark_dirty(image.get());
    return image;
}

/// Where things go.
struct Grid {
    std::size_t columns, rows;
    double scale;  ///< of an image's pixels
    double cell_width, cell_height;

    explicit Grid(const ContactSheet& sheet)
        : columns(std::clamp<std::size_t>(sheet.pictures.size(), 1, most_columns)),
          rows((sheet.pictures.size() + columns - 1) / columns),
          scale(picture_width / static_cast<double>(std::max(sheet.shape.width, sheet.shape.height))),
          cell_width(picture_width + border) {
        std::size_t lines = 0;
        for (const SheetPicture& picture : sheet.pictures) {
            lines = std::max(lines, picture.lines.size());
        }
        cell_height = static_cast<double>(sheet.shape.height) * scale +
                      line_height * (static_cast<double>(lines) + 1) + border;
    }
};

void draw_picture(cairo_t* canvas, const SheetPicture& picture, const Shape& shape, double scale) {
    const double width = static_cast<double>(shape.width) * scale;
    const double height = static_cast<double>(shape.height) * scale;
    const Image image = image_of(picture.pixels, shape);
    cairo_save(canvas);
    cairo_scale(canvas, scale, scale);
    cairo_set_source_surface(canvas, image.get(), 0, 0);
    cairo_pattern_set_filter(cairo_get_source(canvas), CAIRO_FILTER_NEAREST);
    cairo_rectangle(canvas, 0, 0, static_cast<double>(shape.width), static_cast<double>(shape.height));
    cairo_fill(canvas);
    cairo_restore(canvas);
    const auto& colour = picture.right ? right_colour : wrong_colour;
    cairo_set_source_rgb(canvas, colour[0], colour[1], colour[2]);
    cairo_set_line_width(canvas, 2);
    cairo_rectangle(canvas, -1, -1, width + 2, height + 2);
    cairo_stroke(canvas);
    cairo_set_source_rgb(canvas, 0.1, 0.1, 0.1);
    for (std::size_t line = 0; line < picture.lines.size(); ++line) {
        cairo_move_to(canvas, 0, height + line_height * (static_cast<double>(line) + 1) + 2);
        cairo_show_text(canvas, picture.lines[line].c_str());
    }
}

}  // namespace

void draw_contact_sheet(const std::filesystem::path& file, const ContactSheet& sheet) {
    const Grid grid(sheet);
    const double width = grid.cell_width * static_cast<double>(grid.columns) + border;
    const double height = heading + grid.cell_height * static_cast<double>(grid.rows) + border;
    draw_file(file, width, height, [&](cairo_t* canvas) {
        cairo_set_source_rgb(canvas, 0.1, 0.1, 0.1);
        cairo_set_font_size(canvas, 14);
        cairo_move_to(canvas, border, heading - 8);
        cairo_show_text(canvas, sheet.title.c_str());
        cairo_set_font_size(canvas, 11);
        for (std::size_t i = 0; i < sheet.pictures.size(); ++i) {
            cairo_save(canvas);
            cairo_translate(canvas, border + grid.cell_width * static_cast<double>(i % grid.columns),
                            heading + grid.cell_height * static_cast<double>(i / grid.columns));
            draw_picture(canvas, sheet.pictures[i], sheet.shape, grid.scale);
            cairo_restore(canvas);
        }
    });
}

}  // namespace lacuna
