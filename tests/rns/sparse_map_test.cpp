// SPDX-License-Identifier: Apache-2.0
//
// The fused product against its definition, one term at a time in 128-bit arithmetic.
#include <lacuna/rns/sparse_map.h>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/support/residues.h"

namespace lacuna::testing {
namespace {

using SparseRows = std::vector<std::vector<SparseTerm>>;

enum class Fill { random, largest, zero };

/// Inputs and outputs of several moduli, a plane for each.
struct Data {
    Data(std::size_t n, std::size_t inputs, std::size_t outputs, const std::vector<Modulus>& moduli,
         Fill fill)
        : moduli(moduli) {
        std::mt19937_64 random(n + inputs);
        for (const Modulus& q : this->moduli) {
            std::vector<Buffer>& in = sources.emplace_back();
            std::vector<Buffer>& out = results.emplace_back();
            for (std::size_t i = 0; i < inputs; ++i) {
                Buffer& words = in.emplace_back(n);
                for (std::uint64_t& word : words.span()) {
                    word = fill == Fill::zero      ? 0
                           : fill == Fill::largest ? q.value() - 1
                                                   : random() % q.value();
                }
            }
            for (std::size_t j = 0; j < outputs; ++j) {
                Buffer& words = out.emplace_back(n);
                std::fill(words.span().begin(), words.span().end(), ~std::uint64_t{0});
            }
        }
    }

    std::vector<SparseMap::Plane> planes() {
        std::vector<SparseMap::Plane> all;
        for (std::size_t i = 0; i < moduli.size(); ++i) {
            SparseMap::Plane& plane = all.emplace_back();
            plane.modulus = &moduli[i];
            for (const Buffer& words : sources[i]) {
                plane.inputs.push_back(words.data());
            }
            for (Buffer& words : results[i]) {
                plane.outputs.push_back(words.data());
            }
        }
        return all;
    }

    /// Outputs take the places of the inputs from the last one down, and new storage where those run out.
    std::vector<SparseMap::Plane> planes_in_place() {
        std::vector<SparseMap::Plane> all = planes();
        for (std::size_t i = 0; i < moduli.size(); ++i) {
            for (std::size_t j = 0; j < std::min(sources[i].size(), results[i].size()); ++j) {
                all[i].outputs[j] = sources[i][sources[i].size() - 1 - j].data();
            }
        }
        return all;
    }

    std::vector<Modulus> moduli;
    std::vector<std::vector<Buffer>> sources;
    std::vector<std::vector<Buffer>> results;
};

std::vector<std::uint64_t> naive_row(const std::vector<SparseTerm>& row, const std::vector<Buffer>& inputs,
                                     std::size_t n, const Modulus& q) {
    std::vector<std::uint64_t> sum(n, 0);
    for (const SparseTerm& term : row) {
        const std::uint64_t c = q.reduce_signed(term.coefficient);
        for (std::size_t j = 0; j < n; ++j) {
            const std::size_t k = (j + term.exponent) % (2 * n);
            const std::uint64_t product = q.multiply(c, inputs[term.input][j]);
            sum[k % n] = q.add(sum[k % n], k < n ? product : q.negate(product));
        }
    }
    return sum;
}

std::vector<Modulus> moduli_for(std::size_t n) {
    std::vector<Modulus> moduli = moduli_of(primes_of(n, {50, 20}));
    moduli.emplace_back((std::uint64_t{1} << 50) - 1);  // the largest modulus there is
    return moduli;
}

TEST(SparseMap, StopsOnRequest) {
    std::stop_source stop;
    stop.request_stop();
    for (const std::uint32_t exponent : {0, 5000}) {  // in tiles, and row by row
        const SparseMap map(8192, 2, {{{0, exponent, 1}, {1, 0, 2}}, {{1, 0, 3}}});
        Data data(8192, 2, 2, moduli_for(8192), Fill::random);
        for (const int threads : {1, 3}) {
            map.apply(active_kernels(), data.planes(), threads, stop.get_token());
            for (const SparseMap::Plane& plane : data.planes()) {
                for (const std::uint64_t* output : plane.outputs) {
                    EXPECT_TRUE(std::all_of(output, output + 8192,
                                            [](std::uint64_t x) { return x == ~std::uint64_t{0}; }));
                }
            }
        }
    }
}

void check(std::size_t n, std::size_t inputs, const SparseRows& rows, Fill fill = Fill::random) {
    const SparseMap map(n, inputs, rows);
    ASSERT_EQ(map.inputs(), inputs);
    ASSERT_EQ(map.outputs(), rows.size());
    Data data(n, inputs, rows.size(), moduli_for(n), fill);
    Data threaded = data;
    map.apply(active_kernels(), data.planes(), 1);
    map.apply(active_kernels(), threaded.planes(), 3);
    for (const int threads : {1, 3}) {
        if (map.works_in_place()) {
            Data overwritten(n, inputs, rows.size(), moduli_for(n), fill);
            const std::vector<SparseMap::Plane> planes = overwritten.planes_in_place();
            map.apply(active_kernels(), planes, threads);
            for (std::size_t p = 0; p < planes.size(); ++p) {
                for (std::size_t r = 0; r < rows.size(); ++r) {
                    ASSERT_TRUE(
                        std::equal(planes[p].outputs[r], planes[p].outputs[r] + n, data.results[p][r].data()))
                        << "in place, " << threads << " threads, row " << r;
                }
            }
        }
    }
    for (std::size_t p = 0; p < data.moduli.size(); ++p) {
        for (std::size_t r = 0; r < rows.size(); ++r) {
            const std::vector<std::uint64_t> expected =
                naive_row(rows[r], data.sources[p], n, data.moduli[p]);
            for (std::size_t j = 0; j < n; ++j) {
                ASSERT_EQ(data.results[p][r][j], expected[j])
                    << "n = " << n << ", plane " << p << ", row " << r << ", word " << j;
                ASSERT_EQ(threaded.results[p][r][j], expected[j]) << "three threads";
            }
        }
    }
}

SparseTerm term(std::size_t input, std::size_t exponent, std::int64_t coefficient) {
    return {static_cast<std::uint32_t>(input), static_cast<std::uint32_t>(exponent), coefficient};
}

std::int64_t random_coefficient(std::mt19937_64& random) {
    const std::int64_t sign = random() % 2 == 0 ? 1 : -1;
    switch (random() % 6) {
        case 0:
            return sign;
        case 1:
            return sign * (std::int64_t{1} << (random() % 14));
        case 2:
            return sign * static_cast<std::int64_t>(random() % 64);  // 0 too
        case 3:
            return sign * static_cast<std::int64_t>(random() % 20000);
        case 4:
            return sign * (std::int64_t{1} << (14 + random() % 48));
        default:
            return sign * static_cast<std::int64_t>(random() >> 3);
    }
}

TEST(SparseMap, EveryShiftOfSmallRings) {
    for (const std::size_t n : {16, 32}) {
        SparseRows rows;
        for (std::size_t k = 0; k < 2 * n; ++k) {
            rows.push_back({term(k % 3, k, 1)});
            rows.push_back({term(0, k, -1), term(2, 2 * n - 1 - k, 6), term(1, k, 4)});
        }
        check(n, 3, rows);
    }
}

TEST(SparseMap, EveryShiftThatATileAndItsNeighbourMeet) {
    const std::size_t n = 1024;
    SparseRows rows;
    for (const std::size_t k : {0, 1, 7, 8, 9, 63, 64, 65, 255, 256, 1023}) {
        rows.push_back({term(0, k, 1)});
        rows.push_back({term(1, n + k, 3)});
        // Alone, a row decides whether the map is tiled.
        check(n, 2, {{term(0, k, 1), term(1, n + k, -5)}});
    }
    check(n, 2, rows);
}

TEST(SparseMap, RandomRowsOverTiledAndWholeRings) {
    std::mt19937_64 random(1);
    for (const std::size_t n : {16, 64, 512, 8192}) {
        for (const std::size_t largest_shift :
             {std::size_t{0}, std::size_t{5}, std::min<std::size_t>(n - 1, 200), n - 1}) {
            const std::size_t inputs = n == 8192 ? 3 : 7;
            SparseRows rows;
            for (std::size_t r = 0; r < 6; ++r) {
                std::vector<SparseTerm>& row = rows.emplace_back();
                for (std::size_t i = 0; i < r * r; ++i) {  // row 0 has none; columns repeat
                    const std::size_t wrap = random() % 2 == 0 ? n : 0;
                    row.push_back(term(random() % inputs, random() % (largest_shift + 1) + wrap,
                                       random_coefficient(random)));
                }
            }
            check(n, inputs, rows);
        }
    }
}

TEST(SparseMap, ManyInputsShrinkTheTile) {
    std::mt19937_64 random(2);
    const std::size_t inputs = 845;
    SparseRows rows(3);
    for (std::vector<SparseTerm>& row : rows) {
        for (std::size_t i = 0; i < 150; ++i) {
            row.push_back(
                term(random() % inputs, random() % 9, (random() % 2 == 0 ? 1 : -1) << (random() % 4)));
        }
    }
    check(512, inputs, rows);
}

TEST(SparseMap, TheWeightLimitExactlyAndBeyondWithEveryWordAtItsLargest) {
    constexpr std::int64_t limit = (1 << 14) - 1;
    for (const std::size_t far : {std::size_t{0}, std::size_t{500}}) {  // tiled, whole
        for (const std::int64_t sign : {1, -1}) {
            SparseRows rows = {
                {term(0, far, sign * limit)},
                {term(0, far, sign * (limit + 1))},
                {term(0, far, sign * (limit - 1)), term(1, far + 1, sign)},
                {term(0, far, sign * (limit - 1)), term(1, far + 1, -sign)},
                {term(0, far, sign * limit), term(1, far, sign)},
                {term(0, far, sign * limit), term(1, far + 3, sign * limit), term(0, far, -sign * limit)},
                {term(0, far, sign * (limit + 1)), term(1, 0, sign * (limit + 1)), term(1, far + 9, sign)},
            };
            // As many unit terms as one segment takes, one more, and several segments' worth.
            for (const std::int64_t count : {limit, limit + 1, 2 * limit + 7}) {
                rows.push_back(std::vector<SparseTerm>(static_cast<std::size_t>(count), term(1, far, sign)));
            }
            // Large coefficients, summed by size first: more of them than one segment takes.
            rows.push_back(std::vector<SparseTerm>(static_cast<std::size_t>(limit) + 2,
                                                   term(1, far, sign * (std::int64_t{1} << 61))));
            // Alternating signs: both halves of a group full.
            std::vector<SparseTerm>& mixed = rows.emplace_back();
            for (std::int64_t i = 0; i < limit; ++i) {
                mixed.push_back(term(static_cast<std::size_t>(i % 2), far, i % 2 == 0 ? 1 : -1));
            }
            check(far == 0 ? 16 : 512, 2, rows, Fill::largest);
            if (far == 0) {
                check(16, 2, rows, Fill::zero);
            }
        }
    }
}

TEST(SparseMap, HugeCoefficientsAndThoseThatAreAMultipleOfTheModulus) {
    const std::uint64_t q = primes_of(16, {20}).front();
    std::vector<std::int64_t> coefficients = {(std::int64_t{1} << 61),         -(std::int64_t{1} << 61),
                                              (std::int64_t{1} << 62) - 1,     1 - (std::int64_t{1} << 62),
                                              static_cast<std::int64_t>(q),    -static_cast<std::int64_t>(q),
                                              static_cast<std::int64_t>(q) + 1};
    for (const std::size_t far : {std::size_t{0}, std::size_t{400}}) {
        SparseRows rows;
        std::vector<SparseTerm> together;
        for (const std::int64_t c : coefficients) {
            rows.push_back({term(0, far, c)});
            together.push_back(term(1, far + 512, c));
            together.push_back(term(0, 0, c));
        }
        rows.push_back(together);
        check(512, 2, rows, Fill::largest);
    }
}

TEST(SparseMap, TellsItsShape) {
    const SparseMap map(64, 2, {{term(0, 0, 3), term(1, 64, -1), term(1, 0, 0)}, {}});
    EXPECT_TRUE(map.is_scalar());  // x^n is -1
    EXPECT_EQ(map.term_count(), 2u);
    EXPECT_EQ(map.n(), 64u);
    EXPECT_FALSE(SparseMap(64, 1, {{term(0, 1, 1)}}).is_scalar());
}

TEST(SparseMap, NoRowsAndNoInputs) {
    check(64, 2, {});
    check(64, 0, {{}, {}});
}

TEST(SparseMap, RefusesWhatIsOutOfRange) {
    EXPECT_THROW(SparseMap(64, 2, {{term(2, 0, 1)}}), Error);
    EXPECT_THROW(SparseMap(64, 2, {{term(0, 128, 1)}}), Error);
    EXPECT_THROW(SparseMap(64, 2, {{term(0, 0, std::int64_t{1} << 62)}}), Error);
    EXPECT_THROW(SparseMap(64, 2, {{term(0, 0, std::numeric_limits<std::int64_t>::min())}}), Error);
    EXPECT_THROW(SparseMap(48, 2, {}), Error);
    EXPECT_THROW(SparseMap(8, 2, {}), Error);
    const SparseMap map(64, 2, {{term(0, 0, 1)}});
    Data data(64, 1, 1, moduli_for(64), Fill::random);
    EXPECT_THROW(map.apply(active_kernels(), data.planes(), 1), Error);
}

}  // namespace
}  // namespace lacuna::testing
