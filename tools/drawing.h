// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>

#include <cairo.h>

namespace lacuna {

/// Throws Error unless the file's name ends in .svg or .png.
void check_drawing_file(const std::filesystem::path& file);

/// Calls draw() for a white canvas of so many pixels (SVG: points) and writes what it has drawn to a .svg or
/// .png file, which is complete or not there at all. Throws Error as check_drawing_file(), and where the
/// canvas cannot be drawn on or the file cannot be written.
void draw_file(const std::filesystem::path& file, double width, double height,
               const std::function<void(cairo_t*)>& draw);

}  // namespace lacuna
