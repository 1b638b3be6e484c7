// SPDX-License-Identifier: Apache-2.0
#include "tools/drawing.h"

#include <memory>
#include <string>

#include <cairo-svg.h>

#include <lacuna/he/files/output_file.h>
#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

cairo_status_t append(void* bytes, const unsigned char* data, unsigned int length) {
    static_cast<std::string*>(bytes)->append(reinterpret_cast<const char*>(data), length);
    return CAIRO_STATUS_SUCCESS;
}

}  // namespace

void check_drawing_file(const std::filesystem::path& file) {
    if (file.extension() != ".svg" && file.extension() != ".png") {
        throw Error(file.string() + ": expected a file name that ends in .svg or .png, found '" +
                    file.extension().string() + "'");
    }
}

void draw_file(const std::filesystem::path& file, double width, double height,
               const std::function<void(cairo_t*)>& draw) {
    check_drawing_file(file);
    const bool svg = file.extension() == ".svg";
    std::string bytes;
    {
        const std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)> surface(
            svg ? cairo_svg_surface_create_for_stream(append, &bytes, width, height)
                : cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width),
                                             static_cast<int>(height)),
            cairo_surface_destroy);
        const std::unique_ptr<cairo_t, decltype(&cairo_destroy)> canvas(cairo_create(surface.get()),
                                                                        cairo_destroy);
        cairo_set_source_rgb(canvas.get(), 1, 1, 1);
        cairo_paint(canvas.get());
        draw(canvas.get());
        if (!svg) {
            cairo_surface_write_to_png_stream(surface.get(), append, &bytes);
        }
        cairo_surface_finish(surface.get());
        if (cairo_status(canvas.get()) != CAIRO_STATUS_SUCCESS) {
            throw Error(file.string() +
                        ": cannot draw: " + cairo_status_to_string(cairo_status(canvas.get())));
        }
    }
    write_file(file, Access::everyone, Overwrite::allow, [&](std::ostream& stream) { stream << bytes; });
}

}  // namespace lacuna
