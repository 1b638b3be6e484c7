// SPDX-License-Identifier: Apache-2.0
#include "tools/table.h"

#include <algorithm>

#include "tools/terminal_text.h"

namespace lacuna {

namespace {

constexpr const char* margin = "  ";
constexpr std::size_t longest_prose = 2000;

}  // namespace

Table::Table(std::vector<std::string> heads, bool prose) : rows_{std::move(heads)}, prose_(prose) {}

void Table::add(std::vector<std::string> cells) {
    cells.resize(rows_.front().size());
    for (std::string& cell : cells) {
        cell = terminal_text(cell, prose_ && &cell == &cells.back() ? longest_prose : shown_bytes);
    }
    rows_.push_back(std::move(cells));
}

std::ostream& operator<<(std::ostream& stream, const Table& table) {
    const std::size_t columns = table.rows_.front().size();
    std::vector<std::size_t> widths(columns);
    for (const auto& row : table.rows_) {
        for (std::size_t c = 0; c < columns; ++c) {
            widths[c] = std::max(widths[c], row[c].size());
        }
    }
    for (const auto& row : table.rows_) {
        std::string line;
        for (std::size_t c = 0; c < columns; ++c) {
            const std::string padding(widths[c] - row[c].size(), ' ');
            const bool left = c == 0 || (table.prose_ && c + 1 == columns);
            line += margin + (left ? row[c] + padding : padding + row[c]);
        }
        stream << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
    }
    return stream;
}

}  // namespace lacuna
