// SPDX-License-Identifier: Apache-2.0
#include "tools/number_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include <lacuna/he/files/source.h>
#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

constexpr double largest_label = 1 << 20;  // no network has more logits
constexpr std::size_t shown = 20;          // characters of a cell in a message

/// The lines of a file without their ends, none longer than a bound.
class Lines {
  public:
    Lines(const std::filesystem::path& file, std::size_t longest) : source_(file), longest_(longest) {}

    [[nodiscard]] const std::string& name() const { return source_.name(); }
    /// Of the line that next() returned, from 1 on.
    [[nodiscard]] std::size_t number() const { return number_; }
    [[nodiscard]] std::string place() const { return name() + ": line " + std::to_string(number_); }

    /// The next line that is not blank, or false at the end.
    bool next(std::string& line) {
        while (read(line)) {
            if (number_ == 1 && line.starts_with("\xef\xbb\xbf")) {
                line.erase(0, 3);
            }
            if (line.ends_with('\r')) {
                line.pop_back();
            }
            if (line.find_first_not_of(" \t") != std::string::npos) {
                return true;
            }
        }
        return false;
    }

  private:
    bool read(std::string& line) {
        line.clear();
        while (true) {
            if (at_ == filled_) {
                at_ = 0;
                filled_ = source_.read_some(chunk_);
                if (filled_ == 0) {
                    number_ += line.empty() ? 0 : 1;
                    return !line.empty();
                }
            }
            const auto* begin = reinterpret_cast<const char*>(chunk_.data());
            const char* end = std::find(begin + at_, begin + filled_, '\n');
            line.append(begin + at_, end);
            at_ = static_cast<std::size_t>(end - begin);
            if (line.size() > longest_) {
                ++number_;
                throw Error(place() + ": expected a line of at most " + std::to_string(longest_) +
                            " bytes, found a longer one; give numbers, an input a line");
            }
            if (at_ < filled_) {
                ++at_;
                ++number_;
                return true;
            }
        }
    }

    Source source_;
    std::size_t longest_;
    std::array<std::uint8_t, 1 << 16> chunk_{};
    std::size_t at_ = 0;
    std::size_t filled_ = 0;
    std::size_t number_ = 0;
};

/// A line's cells, without blanks and quotes around them.
void split(std::string_view line, std::vector<std::string_view>& cells) {
    cells.clear();
    for (bool more = true; more;) {
        const std::size_t comma = line.find(',');
        std::string_view cell = line.substr(0, comma);
        more = comma != std::string_view::npos;
        line.remove_prefix(more ? comma + 1 : line.size());
        const std::size_t first = std::min(cell.find_first_not_of(" \t"), cell.size());
        cell = cell.substr(first, cell.find_last_not_of(" \t") + 1 - first);
        if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"') {
            cell = cell.substr(1, cell.size() - 2);
        }
        cells.push_back(cell);
    }
}

bool parse_number(std::string_view cell, double& value) {
    cell.remove_prefix(cell.starts_with('+') ? 1 : 0);
    const auto [end, problem] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    return problem == std::errc() && end == cell.data() + cell.size();
}

bool is_integer(std::string_view cell) {
    return cell.find_first_not_of("+-0123456789") == std::string_view::npos;
}

/// The column of the labels in a table of `columns`, none where there are only inputs.
std::optional<std::size_t> label_column(const LabelColumn& labels, const std::vector<std::string>& header,
                                        std::size_t columns, std::size_t elements, const Lines& lines) {
    const std::string& name = labels.name;
    std::size_t number = 0;
    const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
    const auto named = std::find(header.begin(), header.end(), name);
    std::optional<std::size_t> column;
    if (name.empty()) {
        if (columns != elements && columns != elements + 1) {
            throw Error(lines.place() + ": expected " + std::to_string(elements) +
                        " columns, as the model takes, or one more with the class, found " +
                        std::to_string(columns) + "; give such a table, its columns separated by commas");
        }
        column = columns == elements + 1 ? std::optional(columns - 1) : std::nullopt;
    } else if (name == "first" || name == "last") {
        column = name == "first" ? 0 : columns - 1;
    } else if (!name.empty() && named != header.end()) {
        column = static_cast<std::size_t>(named - header.begin());
    } else if (problem == std::errc() && end == name.data() + name.size() && number >= 1 &&
               number <= columns) {
        column = number - 1;
    } else if (name != "none") {
        throw Error(lines.name() + ": expected a label column that the table has, found '" + name +
                    "'; give first, last, none, a number 1 ... " + std::to_string(columns) +
                    (header.empty() ? "" : ", or a name of its header") + " as --label-column");
    }
    const std::size_t expected = elements + (column ? 1 : 0);
    if (columns != expected) {
        throw Error(lines.place() + ": expected " + std::to_string(expected) + " columns, " +
                    std::to_string(elements) + " that the model takes" + (column ? " and the class" : "") +
                    ", found " + std::to_string(columns) +
                    "; give such a table, its columns separated by commas");
    }
    return column;
}

}  // namespace

void read_number_table(const std::filesystem::path& file, const LabelColumn& labels, InputRows& rows) {
    constexpr std::size_t longest_cell = 64;
    constexpr std::size_t around = std::size_t{1} << 16;
    const std::size_t elements = rows.elements();
    Lines lines(file, (elements + 1) * longest_cell + around);
    std::string line;
    std::vector<std::string_view> cells;
    if (!lines.next(line)) {
        return;
    }
    split(line, cells);
    double number = 0;
    std::vector<std::string> header;
    bool pending = std::all_of(cells.begin(), cells.end(),
                               [&](std::string_view cell) { return parse_number(cell, number); });
    if (!pending) {
        header.assign(cells.begin(), cells.end());
    }
    const std::size_t columns = cells.size();
    const std::optional<std::size_t> label_at = label_column(labels, header, columns, elements, lines);
    std::vector<double> numbers;
    while (!rows.full() && (pending || lines.next(line))) {
        pending = false;
        if (!rows.take()) {
            continue;
        }
        split(line, cells);
        if (cells.size() != columns) {
            throw Error(lines.place() + ": expected " + std::to_string(columns) +
                        " columns, as in the first line, found " + std::to_string(cells.size()) +
                        "; mend the line");
        }
        numbers.clear();
        std::optional<std::size_t> label;
        bool integers = true;
        for (std::size_t c = 0; c < columns; ++c) {
            if (!parse_number(cells[c], number)) {
                throw Error(lines.place() + ": expected a number in column " + std::to_string(c + 1) +
                            ", found '" + std::string(cells[c].substr(0, shown)) + "'; mend the line");
            }
            if (label_at == c) {
                if (!(number >= 0 && number < largest_label && number == std::floor(number))) {
                    throw Error(lines.place() + ": expected a class as a whole number from 0 on in column " +
                                std::to_string(c + 1) + ", found '" + std::string(cells[c].substr(0, shown)) +
                                "'; state --label-column");
                }
                label = static_cast<std::size_t>(number);
                continue;
            }
            integers = integers && is_integer(cells[c]);
            numbers.push_back(number);
        }
        rows.add_numbers(numbers, integers, label, [&] { return lines.place(); });
    }
}

}  // namespace lacuna
