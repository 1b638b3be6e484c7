// SPDX-License-Identifier: Apache-2.0
#include "tools/progress_line.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "tools/quantity.h"
#include "tools/terminal_text.h"

namespace lacuna {

namespace {

constexpr std::chrono::milliseconds patience(1000);  // shorter work shows nothing
constexpr std::chrono::milliseconds pace(100);       // between two updates
constexpr const char* clear_line = "\r\x1b[K";

/// A terminal that knows clear_line: TERM says "dumb", or nothing, of one that does not.
bool can_redraw() {
    const char* kind = std::getenv("TERM");
    return ::isatty(STDERR_FILENO) == 1 && kind != nullptr && *kind != '\0' && std::string(kind) != "dumb";
}

}  // namespace

ProgressLine::ProgressLine(std::string stage, double parts)
    : stage_(std::move(stage)), parts_(parts), terminal_(can_redraw()), start_(Clock::now()), last_(start_) {}

ProgressLine::~ProgressLine() {
    if (shown_) {
        std::cerr << clear_line << std::flush;
    }
}

std::function<void(const Progress&)> ProgressLine::part(double index) {
    if (!terminal_) {
        return {};
    }
    return [this, index](const Progress& progress) {
        show((index + progress.done / progress.total) / parts_, std::string(progress.what));
    };
}

void ProgressLine::show(double fraction, const std::string& what) {
    const Clock::time_point now = Clock::now();
    if (now - start_ < patience || (shown_ && now - last_ < pace) || fraction <= 0) {
        return;
    }
    last_ = now;
    shown_ = true;
    constexpr std::size_t width = 24;
    const auto filled = static_cast<std::size_t>(std::min(fraction, 1.0) * static_cast<double>(width));
    const double elapsed = std::chrono::duration<double>(now - start_).count();
    const double left = elapsed * (1 - std::min(fraction, 1.0)) / fraction;
    std::cerr << clear_line << stage_ << " [" << std::string(filled, '#') << std::string(width - filled, '.')
              << "] " << decimal_text(fraction * 100, 0) << " %, " << seconds_text(left) << " left"
              << (what == stage_ ? "" : "  " + terminal_text(what.substr(0, 24))) << std::flush;
}

}  // namespace lacuna
