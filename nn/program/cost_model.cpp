// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/cost_model.h>

#include <cmath>
#include <numeric>

namespace lacuna {

namespace {

// A word of a product with a key or a diagonal, of a permutation, and of a sum or a scaling, in nanoseconds
// (bench/README.md has the measurements).
constexpr double row_from_memory = 0.16;
// A word of a diagonal besides: each is read once, and a layer has more of them than caches hold.
constexpr double diagonal_stream = 0.3;
constexpr double permutation = 0.35;
constexpr double pass = 0.08;
// A coefficient of a random plaintext, encoded from slots.
constexpr double mask_coefficient = 20;

}  // namespace

double nominal_transform_nanoseconds(std::size_t n) {
    return static_cast<double>(n) * std::log2(static_cast<double>(n)) / 2 * 0.085;
}

CostModel::CostModel(const Parameters& parameters)
    : n_(static_cast<double>(parameters.n)),
      special_(static_cast<double>(parameters.special_bits.size() + parameters.special_primes.size())),
      digit_limbs_(parameters.digit_limbs),
      transform_(nominal_transform_nanoseconds(parameters.n)) {
    for (const int bits : parameters.data_bits) {
        log_data_.push_back(bits);
    }
    for (const std::uint64_t prime : parameters.data_primes) {
        log_data_.push_back(std::log2(static_cast<double>(prime)));
    }
}

double CostModel::convert(double from, double to) const {
    return n_ * (from * 0.25 + to * (from + 1) * 0.06);
}

double CostModel::multiply(std::size_t limbs, bool square) const {
    const double l = static_cast<double>(limbs);
    const double log_q =
        std::accumulate(log_data_.begin(), log_data_.begin() + static_cast<long>(limbs), 0.0);
    // As Ring counts them, but for near-ties: their product, a little below a power of 2^50, exceeds n Q.
    const double helpers = std::ceil((log_q + std::log2(n_) + 0x1p-24) / 50);
    const double total = l + helpers;
    return transform_ * total * (square ? 5 : 7) + (square ? 2 : 4) * convert(l, helpers) +
           3 * convert(total, l) + n_ * total * 0.4;
}

double CostModel::square_unscaled(std::size_t limbs) const {
    return transform_ * static_cast<double>(limbs) * 5 + n_ * static_cast<double>(limbs) * 1.2;
}

double CostModel::relinearize(std::size_t limbs) const {
    const double digits = std::ceil(static_cast<double>(limbs) / static_cast<double>(digit_limbs_));
    const double total = static_cast<double>(limbs) + special_;
    return transform_ * total * (digits + 2) + digits * convert(static_cast<double>(digit_limbs_), total) +
           n_ * total * digits * 2 * 0.1 + 2 * convert(special_, static_cast<double>(limbs));
}

double CostModel::linear(double terms, std::size_t size, std::size_t limbs) const {
    return terms * static_cast<double>(size * limbs) * n_ * 0.045;
}

double CostModel::diagonals(const DiagonalAccount& account, std::size_t limbs) const {
    const double l = static_cast<double>(limbs);
    const double digits = std::ceil(l / static_cast<double>(digit_limbs_));
    const double extended = l + special_;
    const double rows = account.babies > 0 ? extended : l;
    const double inputs = static_cast<double>(account.inputs);
    const double outputs = static_cast<double>(account.outputs);
    const double raising = digits * (extended * transform_ + convert(1, extended));
    // Products with a key, or with diagonals, which come from memory, a permutation of both parts, and c_0
    // scaled by P and added.
    const double switching =
        extended * n_ * (2 * digits * row_from_memory + 2 * permutation) + 2 * l * n_ * pass;
    const double joining = 2 * extended * n_ * pass;  // a sum to what was turned before
    const double division = 2 * (extended * transform_ + convert(special_, l));
    const double giants = static_cast<double>(account.giants);
    double sum = inputs * 2 * l * transform_ + (account.babies > 0 ? inputs * raising : 0) +
                 static_cast<double>(account.babies) * switching +
                 static_cast<double>(account.products) * rows * n_ * (2 * row_from_memory + diagonal_stream);
    if (account.chained) {  // every sum but the first joins in the division of a rotation
        sum += giants * (raising + l * transform_ + switching + joining + division) +
               outputs * (account.babies > 0 ? division : 2 * l * transform_);
    } else {
        sum += giants * (rows * transform_ + convert(special_, l) + raising + switching + joining) +
               outputs * division;
    }
    for (const std::size_t rotations : account.folds) {
        sum += outputs *
               (raising + l * transform_ + static_cast<double>(rotations) * (switching + joining) + division);
    }
    return sum;
}

double CostModel::mod_switch(std::size_t size, std::size_t limbs) const {
    return static_cast<double>(size) * n_ * static_cast<double>(limbs) * 0.4;
}

double CostModel::mask() const {
    return n_ * mask_coefficient;
}

double CostModel::flood(std::size_t limbs) const {
    return multiply(limbs, true);
}

}  // namespace lacuna
