// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/program.h>

#include <algorithm>

#include <lacuna/ntt/gmp_words.h>

namespace lacuna {

Program activation_steps(const std::vector<bool>& needed) {
    Program steps;
    for (const PowerProduct& powers : power_products(needed)) {
        Step& step = steps.emplace_back();
        step.kind = ProductStep{powers};
    }
    std::size_t highest = needed.size() - 1;
    while (highest > 0 && !needed[highest]) {
        --highest;
    }
    steps.emplace_back().kind = WeightedSumStep{.highest = highest};
    return steps;
}

std::vector<std::size_t> linear_limbs(const Program& program) {
    std::vector<std::size_t> limbs;
    for (const Step& step : program) {
        if (step.get_if<LinearStep>() != nullptr) {
            limbs.push_back(step.limbs);
        }
    }
    return limbs;
}

std::vector<mpz_class> value_factors(const Program& program, const std::vector<std::uint64_t>& data_primes,
                                     const mpz_class& p) {
    std::vector<mpz_class> factors;
    std::vector<mpz_class> of_power = {1, 1};
    for (const Step& step : program) {
        if (const auto* product = step.get_if<ProductStep>()) {
            const PowerProduct& powers = product->powers;
            mpz_class factor = of_power[powers.low] * of_power[powers.high];
            const std::size_t limbs = step.limbs + (product->drop ? 1 : 0);
            for (std::size_t i = 0; product->unscaled && i < limbs; ++i) {
                factor = factor * to_mpz(data_primes[i]) % p;
            }
            of_power.resize(std::max(of_power.size(), powers.power() + 1), 1);
            factor = product->unscaled ? mpz_class(-factor) : factor;
            mpz_fdiv_r(of_power[powers.power()].get_mpz_t(), factor.get_mpz_t(), p.get_mpz_t());
        } else if (const auto* sum = step.get_if<WeightedSumStep>()) {
            of_power = {1, of_power[sum->highest]};
        }
        factors.push_back(of_power[1]);
    }
    return factors;
}

}  // namespace lacuna
