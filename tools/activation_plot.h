// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace lacuna {

struct Curve {
    std::string label;
    std::function<double(double)> value;
};

/// Draws curves over an interval, with axes and a legend, into a .svg or .png file, which is complete or not
/// there at all. Throws Error for another ending and where the file cannot be written.
void plot_curves(const std::filesystem::path& file, const std::string& title, double low, double high,
                 const std::vector<Curve>& curves);

}  // namespace lacuna
