// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/power_basis.h>

namespace lacuna {

namespace {

void append_power(std::size_t power, std::vector<bool>& made, std::vector<PowerProduct>& products) {
    if (made[power]) {
        return;
    }
    const PowerProduct product = halves(power);
    append_power(product.low, made, products);
    append_power(product.high, made, products);
    products.push_back(product);
    made[power] = true;
}

}  // namespace

PowerProduct halves(std::size_t power) {
    return {power / 2, power - power / 2};
}

std::vector<PowerProduct> power_products(const std::vector<bool>& needed) {
    std::vector<PowerProduct> products;
    std::vector<bool> made(needed.size());
    if (needed.size() > 1) {
        made[1] = true;
    }
    for (std::size_t i = needed.size(); i-- > 2;) {
        if (needed[i]) {
            append_power(i, made, products);
        }
    }
    return products;
}

}  // namespace lacuna
