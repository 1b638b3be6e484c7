// SPDX-License-Identifier: Apache-2.0
#include "tools/activation_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <sstream>

#include <cairo.h>

#include "tools/drawing.h"

namespace lacuna {

namespace {

constexpr double width = 720;
constexpr double height = 480;
constexpr double left = 60;
constexpr double right = 20;
constexpr double top = 40;
constexpr double bottom = 40;
constexpr int samples = 600;
constexpr int ticks = 5;

using Colour = std::array<double, 3>;
constexpr std::array<Colour, 4> colours = {Colour{0.12, 0.12, 0.12}, Colour{0.84, 0.19, 0.15},
                                           Colour{0.13, 0.40, 0.67}, Colour{0.10, 0.60, 0.31}};

/// From values to points of the picture.
struct Frame {
    double low, high, bottom_value, top_value;

    [[nodiscard]] double x(double value) const {
        return left + (value - low) / (high - low) * (width - left - right);
    }
    [[nodiscard]] double y(double value) const {
        return height - bottom -
               (value - bottom_value) / (top_value - bottom_value) * (height - top - bottom);
    }
};

Frame frame_of(double low, double high, const std::vector<Curve>& curves) {
    Frame frame{low, high, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
    for (const Curve& curve : curves) {
        for (int i = 0; i <= samples; ++i) {
            const double value = curve.value(low + (high - low) * i / samples);
            frame.bottom_value = std::min(frame.bottom_value, value);
            frame.top_value = std::max(frame.top_value, value);
        }
    }
    const double air = std::max((frame.top_value - frame.bottom_value) * 0.05, 1e-9);
    frame.bottom_value -= air;
    frame.top_value += air;
    return frame;
}

std::string tick_text(double value) {
    std::ostringstream text;
    text.precision(3);
    text << (std::abs(value) < 1e-12 ? 0.0 : value);
    return text.str();
}

void write_text(cairo_t* canvas, double x, double y, const std::string& text) {
    cairo_move_to(canvas, x, y);
    cairo_show_text(canvas, text.c_str());
}

void draw_axes(cairo_t* canvas, const Frame& frame, const std::string& title) {
    cairo_set_font_size(canvas, 16);
    write_text(canvas, left, top - 16, title);
    cairo_set_font_size(canvas, 12);
    cairo_set_line_width(canvas, 1);
    for (int i = 0; i <= ticks; ++i) {
        const double x = frame.low + (frame.high - frame.low) * i / ticks;
        const double y = frame.bottom_value + (frame.top_value - frame.bottom_value) * i / ticks;
        cairo_set_source_rgb(canvas, 0.88, 0.88, 0.88);
        cairo_move_to(canvas, frame.x(x), top);
        cairo_line_to(canvas, frame.x(x), height - bottom);
        cairo_move_to(canvas, left, frame.y(y));
        cairo_line_to(canvas, width - right, frame.y(y));
        cairo_stroke(canvas);
        cairo_set_source_rgb(canvas, 0.2, 0.2, 0.2);
        write_text(canvas, frame.x(x) - 10, height - bottom + 18, tick_text(x));
        write_text(canvas, 8, frame.y(y) + 4, tick_text(y));
    }
}

void draw_curves(cairo_t* canvas, const Frame& frame, const std::vector<Curve>& curves) {
    cairo_set_line_width(canvas, 2);
    for (std::size_t c = 0; c < curves.size(); ++c) {
        const Colour& colour = colours[c % colours.size()];
        cairo_set_source_rgb(canvas, colour[0], colour[1], colour[2]);
        for (int i = 0; i <= samples; ++i) {
            const double x = frame.low + (frame.high - frame.low) * i / samples;
            cairo_line_to(canvas, frame.x(x), frame.y(curves[c].value(x)));
        }
        const double legend = top + 18 + 18 * static_cast<double>(c);
        cairo_stroke(canvas);
        cairo_move_to(canvas, left + 12, legend - 4);
        cairo_line_to(canvas, left + 36, legend - 4);
        cairo_stroke(canvas);
        write_text(canvas, left + 44, legend, curves[c].label);
    }
}

}  // namespace

void plot_curves(const std::filesystem::path& file, const std::string& title, double low, double high,
                 const std::vector<Curve>& curves) {
    draw_file(file, width, height, [&](cairo_t* canvas) {
        const Frame frame = frame_of(low, high, curves);
        cairo_set_source_rgb(canvas, 0.1, 0.1, 0.1);
        draw_axes(canvas, frame, title);
        draw_curves(canvas, frame, curves);
    });
}

}  // namespace lacuna
