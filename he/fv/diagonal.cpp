// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/diagonal.h>

namespace lacuna {

std::vector<std::int64_t> turned_values(const Diagonal& diagonal, int giant, std::size_t k) {
    // rot_g(w x)[j] = w[j + g] x[j + g].
    std::vector<std::int64_t> turned(k);
    for (std::size_t j = 0; j < diagonal.values.size(); ++j) {
        turned[(j + static_cast<std::size_t>(giant)) % k] = diagonal.values[j];
    }
    return turned;
}

}  // namespace lacuna
