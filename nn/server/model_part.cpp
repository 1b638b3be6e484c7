// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/server/model_part.h>

#include <algorithm>
#include <limits>

namespace lacuna {

LinearMap part_of(const LinearMap& map, const LineDivision& line, std::size_t rank) {
    constexpr std::uint32_t elsewhere = std::numeric_limits<std::uint32_t>::max();
    const auto& inputs = line.needs[rank];
    const auto& has = line.has[rank];
    std::vector<std::uint32_t> columns(map.weights.columns, elsewhere);
    for (std::uint32_t i = 0; i < inputs.size(); ++i) {
        columns[inputs[i]] = i;
    }
    LinearMap part;
    part.weights.columns = inputs.size();
    for (const std::uint32_t row : line.computes[rank]) {
        auto& terms = part.weights.rows.emplace_back();
        for (const WeightTerm& term : map.weights.rows[row]) {
            if (columns[term.column] != elsewhere) {
                terms.push_back({columns[term.column], term.weight});
            }
        }
        part.bias.push_back(std::binary_search(has.begin(), has.end(), row) ? map.bias[row] : mpz_class());
    }
    return part;
}

}  // namespace lacuna
