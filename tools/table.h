// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace lacuna {

/// Rows of text in columns: the first column to the left, the others to the right, each as wide as its
/// longest cell. A last column marked as prose goes to the left and may be long. Cells pass
/// through terminal_text().
class Table {
  public:
    explicit Table(std::vector<std::string> heads, bool prose = false);

    void add(std::vector<std::string> cells);
    friend std::ostream& operator<<(std::ostream& stream, const Table& table);

  private:
    std::vector<std::vector<std::string>> rows_;  // the heads first
    bool prose_;
};

}  // namespace lacuna
