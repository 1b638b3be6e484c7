// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <lacuna/nn/model/shape.h>

namespace lacuna {

/// One image of a contact sheet, with lines of text below it.
struct SheetPicture {
    std::span<const std::uint8_t> pixels;  ///< channel-major; they must outlive the sheet
    std::vector<std::string> lines;
    bool right = false;  ///< framed in green, else in red
};

/// Images side by side. shape: of one or three channels; of any other number the first one is drawn, in grey.
struct ContactSheet {
    std::string title;
    Shape shape;
    std::vector<SheetPicture> pictures;
};

/// Draws a sheet into a .svg or .png file. Throws Error as draw_file() does.
void draw_contact_sheet(const std::filesystem::path& file, const ContactSheet& sheet);

}  // namespace lacuna
