// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/reduced_ciphertext.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <lacuna/he/fv/packed_size.h>
#include <lacuna/ntt/error.h>
#include <lacuna/rns/sampler.h>

namespace lacuna {

namespace {

[[noreturn]] void fail(const std::string& expected, const std::string& found, const std::string& advice) {
    throw Error("reduced ciphertext: expected " + expected + ", found " + found + "; " + advice);
}

void check_bits(const char* part, int bits, int most) {
    if (bits < 1 || bits > most) {
        fail(std::string(part) + " of 1 ... " + std::to_string(most) + " bits", std::to_string(bits),
             "keep as many bits as smallest_reduction() says");
    }
}

/// round(2^bits c / q) modulo 2^bits, for c in [0, q).
std::uint64_t shortened(std::uint64_t c, int bits, std::uint64_t q) {
    const auto rounded = static_cast<std::uint64_t>(((uint128_t{c} << bits) + q / 2) / q);
    return rounded & ((std::uint64_t{1} << bits) - 1);
}

/// round(q v / 2^bits) modulo q, for v in [0, 2^bits).
std::uint64_t lengthened(std::uint64_t v, int bits, std::uint64_t q) {
    const auto rounded =
        static_cast<std::uint64_t>((uint128_t{v} * q + (uint128_t{1} << (bits - 1))) >> bits);
    return rounded == q ? 0 : rounded;
}

/// 0 where every bit is kept: 2^bits > q, so that rounding forth and back is exact.
double step(std::uint64_t q0, int bits) {
    return bits >= bits_below(q0) ? 0.0 : static_cast<double>(q0) / std::exp2(bits);
}

double squared(double x) {
    return x * x;
}

}  // namespace

ReductionNoise reduction_noise(std::size_t n, std::uint64_t q0, int c0_bits, int c1_bits) {
    const double degree = static_cast<double>(n);
    const double step0 = step(q0, c0_bits);
    const double step1 = step(q0, c1_bits);
    const double second0 = step0 > 0 ? 1.0 : 0.0;  // restoring rounds again
    const double second1 = step1 > 0 ? 1.0 : 0.0;
    ReductionNoise noise;
    noise.largest = (step0 + second0) / 2 + degree * (step1 + second1) / 2;
    noise.deviation =
        std::sqrt((squared(step0) + second0 + degree * ternary_variance * (squared(step1) + second1)) / 12);
    return noise;
}

Reduction smallest_reduction(std::size_t n, std::uint64_t q0, double max_deviation,
                             std::vector<std::uint32_t> coefficients) {
    const int most = bits_below(q0);
    const std::size_t count = coefficients.empty() ? n : coefficients.size();
    Reduction best{most, most, std::move(coefficients)};
    std::uint64_t best_bytes = packed_bytes(count, most) + packed_bytes(n, most);
    for (int c1_bits = 1; c1_bits <= most; ++c1_bits) {
        int c0_bits = 1;
        while (c0_bits < most && reduction_noise(n, q0, c0_bits, c1_bits).deviation > max_deviation) {
            ++c0_bits;
        }
        const std::uint64_t bytes = packed_bytes(count, c0_bits) + packed_bytes(n, c1_bits);
        if (reduction_noise(n, q0, c0_bits, c1_bits).deviation <= max_deviation && bytes < best_bytes) {
            best.c0_bits = c0_bits;
            best.c1_bits = c1_bits;
            best_bytes = bytes;
        }
    }
    return best;
}

bool ReducedCiphertext::operator==(const ReducedCiphertext& other) const {
    return ring == other.ring && t == other.t && reduction == other.reduction &&
           std::equal(c0.data(), c0.data() + c0.size(), other.c0.data(), other.c0.data() + other.c0.size()) &&
           std::equal(c1.data(), c1.data() + c1.size(), other.c1.data(), other.c1.data() + other.c1.size());
}

void validate(const Ring& ring, const Reduction& reduction) {
    const int most = bits_below(ring.data().modulus(0).value());
    check_bits("c0", reduction.c0_bits, most);
    check_bits("c1", reduction.c1_bits, most);
    const auto& list = reduction.coefficients;
    const auto unordered = std::adjacent_find(list.begin(), list.end(), std::greater_equal<>());
    if (unordered != list.end()) {
        fail("strictly rising coefficient numbers",
             std::to_string(*unordered) + " before " + std::to_string(*(unordered + 1)),
             "sort them, each once");
    }
    if (!list.empty() && list.back() >= ring.n()) {
        fail("coefficient numbers below n = " + std::to_string(ring.n()), std::to_string(list.back()),
             "name coefficients of this ring");
    }
}

ReducedCiphertext reduce(const Ring& ring, const Ciphertext& ciphertext, const Reduction& reduction) {
    validate(ring, reduction);
    if (ciphertext.ring != ring.hash()) {
        fail("a ciphertext of this ring", "one of another",
             "use parameters and ciphertexts that belong together");
    }
    if (ciphertext.size() != 2 || !ciphertext.has_shape(ring.n(), 1, Form::coefficient)) {
        fail("two parts with one limb of " + std::to_string(ring.n()) + " words each, in coefficient form",
             std::to_string(ciphertext.size()) + " parts with " + std::to_string(ciphertext.limbs()) +
                 " limbs, or a part of another size or form",
             "relinearise, switch down to one limb and leave the NTT form first");
    }
    const std::uint64_t q = ring.data().modulus(0).value();
    ReducedCiphertext reduced;
    reduced.ring = ciphertext.ring;
    reduced.t = ciphertext.t;
    reduced.reduction = reduction;
    const std::uint64_t* c0 = ciphertext.parts[0].limb(0);
    const std::uint64_t* c1 = ciphertext.parts[1].limb(0);
    const bool all = reduction.coefficients.empty();
    reduced.c0 = Buffer::uninitialised(all ? ring.n() : reduction.coefficients.size());
    for (std::size_t i = 0; i < reduced.c0.size(); ++i) {
        reduced.c0[i] = shortened(c0[all ? i : reduction.coefficients[i]], reduction.c0_bits, q);
    }
    reduced.c1 = Buffer::uninitialised(ring.n());
    for (std::size_t i = 0; i < ring.n(); ++i) {
        reduced.c1[i] = shortened(c1[i], reduction.c1_bits, q);
    }
    return reduced;
}

Ciphertext restore(const Ring& ring, const ReducedCiphertext& reduced) {
    const Reduction& reduction = reduced.reduction;
    validate(ring, reduction);
    const bool all = reduction.coefficients.empty();
    const std::size_t count = all ? ring.n() : reduction.coefficients.size();
    if (reduced.ring != ring.hash() || reduced.c0.size() != count || reduced.c1.size() != ring.n()) {
        fail("words for " + std::to_string(count) + " and " + std::to_string(ring.n()) +
                 " coefficients of this ring",
             std::to_string(reduced.c0.size()) + " and " + std::to_string(reduced.c1.size()),
             "use parameters and ciphertexts that belong together");
    }
    const std::uint64_t q = ring.data().modulus(0).value();
    Ciphertext ciphertext;
    ciphertext.ring = reduced.ring;
    ciphertext.t = reduced.t;
    ciphertext.parts.emplace_back(ring.n(), 1, Form::coefficient);
    ciphertext.parts.push_back(RnsPolynomial::uninitialised(ring.n(), 1, Form::coefficient));
    std::uint64_t* c0 = ciphertext.parts[0].limb(0);
    std::uint64_t* c1 = ciphertext.parts[1].limb(0);
    for (std::size_t i = 0; i < count; ++i) {
        c0[all ? i : reduction.coefficients[i]] = lengthened(reduced.c0[i], reduction.c0_bits, q);
    }
    for (std::size_t i = 0; i < ring.n(); ++i) {
        c1[i] = lengthened(reduced.c1[i], reduction.c1_bits, q);
    }
    return ciphertext;
}

}  // namespace lacuna
