// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/security.h>

#include <array>

namespace lacuna {

namespace {

struct Row {
    std::size_t n;
    std::array<int, 3> standard_2018;  // 128, 192, 256 bits; 0: not listed
    std::array<int, 3> guidelines_2024;
};

constexpr std::array<Row, 6> rows = {{
    {1024, {27, 19, 14}, {26, 0, 0}},
    {2048, {54, 37, 29}, {53, 36, 27}},
    {4096, {109, 75, 58}, {106, 73, 56}},
    {8192, {218, 152, 118}, {214, 147, 114}},
    {16384, {438, 305, 237}, {430, 297, 230}},
    {32768, {881, 611, 476}, {868, 597, 462}},
}};

}  // namespace

int max_log_qp(std::size_t n, int security, SecurityTable table) {
    if (security != 128 && security != 192 && security != 256) {
        return 0;
    }
    const auto column = static_cast<std::size_t>((security - 128) / 64);
    for (const Row& row : rows) {
        if (row.n == n) {
            return table == SecurityTable::standard_2018 ? row.standard_2018[column]
                                                         : row.guidelines_2024[column];
        }
    }
    return 0;
}

}  // namespace lacuna
