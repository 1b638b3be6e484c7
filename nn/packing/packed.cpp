// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/packing/packed.h>

#include <cmath>

#include <lacuna/he/fv/binomial_encoder.h>
#include <lacuna/nn/model/ranges.h>

namespace lacuna {

PackingBounds PackedPacking::bounds(const ExpandedModel& model) {
    return {slot_ranges(model).largest_logit(), 0, 0};
}

std::optional<std::string> PackedPacking::obstacle(const PackingBounds& bounds, std::size_t /*classes*/) {
    const std::size_t bits = mpz_sizeinbase(mpz_class(2 * bounds.range + 1).get_mpz_t(), 2);
    if (bits <= BinomialEncoder::max_slot_bits) {
        return std::nullopt;
    }
    return "values need " + std::to_string(bits) + " bits, more than the " +
           std::to_string(BinomialEncoder::max_slot_bits) + " of a slot";
}

std::optional<PlainModulus> PackedPacking::plain_modulus(std::size_t n, std::size_t k,
                                                         const mpz_class& needed) {
    const std::size_t digits = n / k;
    // b divisible by 2^v with digits v >= log2(2n) makes p = b^digits + 1 one modulo 2n.
    std::size_t log = 1;
    while ((std::size_t{1} << log) < 2 * n) {
        ++log;
    }
    const auto step = std::int64_t{1} << ((log + digits - 1) / digits);
    mpz_class root;
    mpz_root(root.get_mpz_t(), needed.get_mpz_t(), digits);
    if (root >= max_plain_base) {
        return std::nullopt;
    }
    for (std::int64_t b = std::max<std::int64_t>(root.get_si() / step * step, step); b < max_plain_base;
         b += step) {
        const PlainModulus t = PlainModulus::binomial(k, b);
        const mpz_class p = slot_modulus(t, n);
        if (mpz_sizeinbase(p.get_mpz_t(), 2) > BinomialEncoder::max_slot_bits) {
            return std::nullopt;
        }
        if (p > needed && takes(t, n)) {
            return t;
        }
    }
    return std::nullopt;
}

std::string PackedPacking::reason(std::size_t batch, std::size_t images) {
    const std::size_t most = most_images(0);
    std::string text =
        "packing: packed, the values of an image side by side in slots, layers as sums of rotated products; ";
    if (images > 1) {
        text += "up to " + std::to_string(images) + " images share every ciphertext, at the cost of one; ";
    }
    const std::size_t requests = (batch + most - 1) / most;
    if (requests > 1) {
        text += std::to_string(batch) + " images are " + std::to_string(requests) + " requests of up to " +
                std::to_string(most) + "; ";
    }
    const std::size_t sets = (batch + images - 1) / images;
    return text + std::to_string(batch) + (batch == 1 ? " image is " : " images are ") +
           std::to_string(sets) + (sets == 1 ? " inference" : " inferences, each as costly as any other");
}

std::vector<Monomial> PackedPacking::monomials(const mpz_class& value, const PlainModulus& t, std::size_t n) {
    const std::vector<std::int64_t> digits = balanced_digits(value, t, n);
    std::vector<Monomial> terms;
    for (std::size_t j = 0; j < digits.size(); ++j) {
        if (digits[j] != 0) {
            terms.push_back({digits[j], t.power() * j});
        }
    }
    return terms;
}

double PackedPacking::weight(const mpz_class& value, const PlainModulus& t, std::size_t n) {
    double sum = 0;
    for (const Monomial& term : monomials(value, t, n)) {
        sum += std::abs(static_cast<double>(term.coefficient));
    }
    return sum;
}

}  // namespace lacuna
