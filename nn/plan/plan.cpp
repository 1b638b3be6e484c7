// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/plan/plan.h>

#include <bit>
#include <cmath>
#include <numeric>

namespace lacuna {

namespace {

double log2_sum(const std::vector<std::uint64_t>& primes) {
    return std::accumulate(primes.begin(), primes.end(), 0.0, [](double sum, std::uint64_t prime) {
        return sum + std::log2(static_cast<double>(prime));
    });
}

double bits_sum(const std::vector<std::uint64_t>& primes, std::size_t count) {
    double bits = 0;
    for (std::size_t i = 0; i < count; ++i) {
        bits += std::bit_width(primes[i]);
    }
    return bits;
}

}  // namespace

double Plan::log_q() const {
    return log2_sum(client.parameters.data_primes);
}

double Plan::log_qp() const {
    return log_q() + log2_sum(client.parameters.special_primes);
}

double Plan::cost() const {
    double sum = 0;
    for (const PlanStep& step : steps) {
        sum += step.cost;
    }
    return sum * static_cast<double>(moduli());
}

double Plan::evaluation_key_bytes() const {
    const Parameters& p = client.parameters;
    const std::size_t most = p.data_primes.size();
    const auto polynomial_bits = [&](std::size_t limbs) {
        return bits_sum(p.data_primes, limbs) + bits_sum(p.special_primes, p.special_primes.size());
    };
    const auto key_bits = [&](std::size_t limbs) {
        return polynomial_bits(limbs) * static_cast<double>((limbs + p.digit_limbs - 1) / p.digit_limbs);
    };
    double bits =
        (client.relin_keys ? key_bits(most) : 0) + (client.sends_public_key() ? polynomial_bits(most) : 0);
    for (std::size_t i = 0; i < client.galois_elements.size(); ++i) {
        bits += key_bits(client.galois_limbs.empty() ? most : client.galois_limbs[i]);
    }
    return static_cast<double>(p.n) / 8 * bits;
}

double Plan::upload_bytes() const {
    const Parameters& p = client.parameters;
    const auto ciphertexts = static_cast<double>(client.input_layout(1).ciphertexts() * moduli());
    return ciphertexts * (static_cast<double>(p.n) / 8 * bits_sum(p.data_primes, p.data_primes.size()) + 32);
}

double Plan::download_bytes() const {
    const Parameters& p = client.parameters;
    const auto ciphertexts = static_cast<double>(client.reply_layout(1).ciphertexts() * moduli());
    const double limb_bits = bits_sum(p.data_primes, client.reply_limbs);
    const auto n = static_cast<double>(p.n);
    if (client.reply_parts > 2) {
        return ciphertexts / 8 * n * limb_bits * static_cast<double>(client.reply_parts);
    }
    const double used =
        client.reply_coefficients == 0 ? n : static_cast<double>(client.reply_stride * client.classes);
    return ciphertexts / 8 *
           (used * (limb_bits - client.reply_dropped_bits[0]) +
            n * (limb_bits - client.reply_dropped_bits[1]));
}

}  // namespace lacuna
