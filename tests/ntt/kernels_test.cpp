// SPDX-License-Identifier: Apache-2.0
//
// Every kernel that this machine supports gives the same words as the portable one, over the whole range of
// inputs that each function states, extremes included.
#include "ntt/kernels.h"

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ntt/ntt_tables.h"
#include "ntt/primes.h"

namespace lacuna {

namespace {

using Word = std::uint64_t;

const Kernels& portable() {
    return *all_kernels().back();
}

std::vector<const Kernels*> supported_kernels() {
    std::vector<const Kernels*> kernels;
    for (const Kernels* candidate : all_kernels()) {
        if (candidate->supported()) {
            kernels.push_back(candidate);
        }
    }
    return kernels;
}

/// Primes of each size that an input range has to be tried with, and moduli that are no NTT prime.
std::vector<Modulus> moduli() {
    std::vector<Modulus> moduli;
    for (const int bits : {17, 20, 32, 45, 49, 50}) {
        moduli.emplace_back(ntt_primes(1024, bits, 1).front());
    }
    // The smallest prime of 50 bits that is 1 mod 32 lies far from 2^50; the others are plaintext moduli.
    for (const Word q :
         {Word{562949953421473}, Word{2}, Word{3}, Word{257}, Word{4096}, Word{8191}, Word{8192}, Word{8193},
          Word{1} << 32, Word{1} << 49, (Word{1} << 50) - 1, (Word{1} << 50) - 2}) {
        moduli.emplace_back(q);
    }
    return moduli;
}

/// Fills arrays with words in [low, high], extremes more often than chance would have it.
class Source {
  public:
    explicit Source(std::uint64_t seed) : engine_(seed) {}

    Word word(Word low, Word high) {
        switch (engine_() % 8) {
            case 0:
                return low;
            case 1:
                return high;
            case 2:
                return high - std::min<Word>(high - low, engine_() % 3);
            default:
                return std::uniform_int_distribution<Word>(low, high)(engine_);
        }
    }
    /// A random array; `pattern` 0 is all low, 1 all high, anything else a mixture.
    Buffer buffer(std::size_t n, Word low, Word high, int pattern = 2) {
        Buffer buffer(n);
        for (std::size_t i = 0; i < n; ++i) {
            buffer[i] = pattern == 0 ? low : pattern == 1 ? high : word(low, high);
        }
        return buffer;
    }
    std::uint64_t operator()() { return engine_(); }

  private:
    std::mt19937_64 engine_;
};

constexpr Word limit50 = (Word{1} << 50) - 1;
constexpr Word limit52 = (Word{1} << 52) - 1;
constexpr Word limit64 = ~Word{0};
constexpr std::size_t sizes[] = {16, 32, 48, 64, 1024};
constexpr int patterns = 4;

::testing::AssertionResult equal(const Buffer& expected, const Buffer& found) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (expected[i] != found[i]) {
            return ::testing::AssertionFailure()
                   << "word " << i << ": expected " << expected[i] << ", found " << found[i];
        }
    }
    return ::testing::AssertionSuccess();
}

class KernelsTest : public ::testing::TestWithParam<const Kernels*> {
  protected:
    const Kernels& kernels() const { return *GetParam(); }
    Source source_{20240611};

    /// Runs body(modulus, n, pattern) over everything that shapes an element-wise function's input.
    template <typename Body>
    void for_each_case(const Body& body) {
        for (const Modulus& q : moduli()) {
            for (const std::size_t n : sizes) {
                for (int pattern = 0; pattern < patterns; ++pattern) {
                    SCOPED_TRACE("q = " + std::to_string(q.value()) + ", n = " + std::to_string(n) +
                                 ", pattern " + std::to_string(pattern));
                    body(q, n, pattern);
                    if (HasFatalFailure()) {
                        return;
                    }
                }
            }
        }
    }
};

TEST_P(KernelsTest, AddSubtractNegate) {
    for_each_case([&](const Modulus& q, std::size_t n, int pattern) {
        const Buffer a = source_.buffer(n, 0, q.value() - 1, pattern);
        const Buffer b = source_.buffer(n, 0, q.value() - 1, pattern == 3 ? 1 : 2);
        Buffer expected(n);
        Buffer found(n);
        portable().add(expected.data(), a.data(), b.data(), n, q);
        kernels().add(found.data(), a.data(), b.data(), n, q);
        ASSERT_TRUE(equal(expected, found)) << "add";
        portable().subtract(expected.data(), a.data(), b.data(), n, q);
        kernels().subtract(found.data(), a.data(), b.data(), n, q);
        ASSERT_TRUE(equal(expected, found)) << "subtract";
        portable().negate(expected.data(), a.data(), n, q);
        kernels().negate(found.data(), a.data(), n, q);
        ASSERT_TRUE(equal(expected, found)) << "negate";
        // In place.
        portable().add(expected.data(), a.data(), a.data(), n, q);
        found = a;
        kernels().add(found.data(), found.data(), found.data(), n, q);
        ASSERT_TRUE(equal(expected, found)) << "add in place";
    });
}

TEST_P(KernelsTest, Reduce) {
    for_each_case([&](const Modulus& q, std::size_t n, int pattern) {
        for (const Word top : {limit64, limit52, limit50, 4 * q.value() - 1, q.value()}) {
            const Buffer a = source_.buffer(n, 0, top, pattern);
            Buffer expected(n);
            Buffer found(n);
            portable().reduce(expected.data(), a.data(), n, q);
            kernels().reduce(found.data(), a.data(), n, q);
            ASSERT_TRUE(equal(expected, found));
        }
        // Multiples of q and their neighbours, where quotients are most easily wrong.
        Buffer a(n);
        for (std::size_t i = 0; i < n; ++i) {
            a[i] = source_.word(0, limit64 / q.value()) * q.value() + source_() % 3 - 1;
        }
        Buffer expected(n);
        portable().reduce(expected.data(), a.data(), n, q);
        kernels().reduce(a.data(), a.data(), n, q);
        ASSERT_TRUE(equal(expected, a));
    });
}

TEST_P(KernelsTest, FromSigned) {
    for_each_case([&](const Modulus& q, std::size_t n, int pattern) {
        Buffer a = source_.buffer(n, 1, 2 * q.value() - 1, pattern);
        for (std::size_t i = 0; i < n; ++i) {
            a[i] -= q.value();
        }
        Buffer expected(n);
        Buffer found(n);
        portable().from_signed(expected.data(), a.data(), n, q);
        kernels().from_signed(found.data(), a.data(), n, q);
        ASSERT_TRUE(equal(expected, found));
    });
}

TEST_P(KernelsTest, LiftCentred) {
    for_each_case([&](const Modulus& q, std::size_t n, int pattern) {
        // From the smallest, from neighbours of q, and up to the largest odd p below 2q.
        for (const std::uint64_t p : {std::uint64_t{3}, (q.value() - 2) | 1, (q.value() + 2) | 1,
                                      std::min(2 * q.value() - 1, (std::uint64_t{1} << 50) - 1)}) {
            if (p < 3 || p >= 2 * q.value() || p >> max_modulus_bits != 0) {
                continue;
            }
            const Modulus from(p);
            Buffer a = source_.buffer(n, 0, p - 1, pattern);
            a[1] = p / 2;  // the largest that stays
            a[2] = p / 2 + 1;
            Buffer expected(n);
            for (std::size_t i = 0; i < n; ++i) {
                expected[i] = q.reduce_signed(from.centre(a[i]));
            }
            Buffer found(n);
            portable().lift_centred(found.data(), a.data(), n, from, q);
            ASSERT_TRUE(equal(expected, found)) << "portable, p = " << p;
            kernels().lift_centred(found.data(), a.data(), n, from, q);
            ASSERT_TRUE(equal(expected, found)) << "p = " << p;
        }
    });
}

TEST_P(KernelsTest, MultiplyAndMultiplyAdd) {
    for_each_case([&](const Modulus& q, std::size_t n, int pattern) {
        const Buffer a = source_.buffer(n, 0, q.value() - 1, pattern);
        const Buffer b = source_.buffer(n, 0, q.value() - 1, pattern);
        Buffer expected = source_.buffer(n, 0, q.value() - 1, pattern);
        Buffer found = expected;
        portable().multiply_add(expected.data(), a.data(), b.data(), n, q);
        kernels().multiply_add(found.data(), a.data(), b.data(), n, q);
        ASSERT_TRUE(equal(expected, found)) << "multiply_add";
        portable().multiply(expected.data(), a.data(), b.data(), n, q);
        kernels().multiply(found.data(), a.data(), b.data(), n, q);
        ASSERT_TRUE(equal(expected, found)) << "multiply";
        found = a;
        kernels().multiply(found.data(), found.data(), b.data(), n, q);
        ASSERT_TRUE(equal(expected, found)) << "multiply in place";
    });
}

TEST_P(KernelsTest, MultiplyScalar) {
    for_each_case([&](const Modulus& q, std::size_t n, int pattern) {
        for (const Word w :
             {Word{0}, Word{1}, q.value() / 2, q.value() - 1, source_.word(0, q.value() - 1)}) {
            const ShoupFactor factor(w, q);
            const Buffer a = source_.buffer(n, 0, limit52, pattern);
            const Buffer b = source_.buffer(n, 0, q.value() - 1, pattern);
            Buffer expected(n);
            Buffer found(n);
            portable().multiply_scalar(expected.data(), a.data(), n, factor, q);
            kernels().multiply_scalar(found.data(), a.data(), n, factor, q);
            ASSERT_TRUE(equal(expected, found)) << "multiply_scalar";
            portable().subtract_multiply_scalar(expected.data(), b.data(), a.data(), n, factor, q);
            kernels().subtract_multiply_scalar(found.data(), b.data(), a.data(), n, factor, q);
            ASSERT_TRUE(equal(expected, found)) << "subtract_multiply_scalar";
        }
    });
}

TEST_P(KernelsTest, Tensor) {
    for_each_case([&](const Modulus& q, std::size_t n, int pattern) {
        std::vector<Buffer> input;
        for (int i = 0; i < 4; ++i) {
            input.push_back(source_.buffer(n, 0, q.value() - 1, pattern));
        }
        std::vector<Buffer> expected(3, Buffer(n));
        std::vector<Buffer> found(3, Buffer(n));
        portable().tensor(expected[0].data(), expected[1].data(), expected[2].data(), input[0].data(),
                          input[1].data(), input[2].data(), input[3].data(), n, q);
        kernels().tensor(found[0].data(), found[1].data(), found[2].data(), input[0].data(), input[1].data(),
                         input[2].data(), input[3].data(), n, q);
        for (int i = 0; i < 3; ++i) {
            ASSERT_TRUE(equal(expected[i], found[i])) << "tensor, output " << i;
        }
        portable().tensor_square(expected[0].data(), expected[1].data(), expected[2].data(), input[0].data(),
                                 input[1].data(), n, q);
        kernels().tensor_square(found[0].data(), found[1].data(), found[2].data(), input[0].data(),
                                input[1].data(), n, q);
        for (int i = 0; i < 3; ++i) {
            ASSERT_TRUE(equal(expected[i], found[i])) << "tensor_square, output " << i;
        }
    });
}

/// Rows of one matrix and pointers to them.
struct Rows {
    Rows(Source& source, std::size_t count, std::size_t n, Word high, int pattern) {
        for (std::size_t i = 0; i < count; ++i) {
            buffers.push_back(source.buffer(n, 0, high, pattern));
            pointers.push_back(buffers.back().data());
        }
    }
    std::vector<Buffer> buffers;
    std::vector<const Word*> pointers;
};

TEST_P(KernelsTest, SumsOfProducts) {
    constexpr std::size_t n = 32;
    for (const Modulus& q : moduli()) {
        for (std::size_t count = 1; count <= 64; ++count) {
            for (int pattern = 0; pattern < patterns; ++pattern) {
                SCOPED_TRACE("q = " + std::to_string(q.value()) + ", count = " + std::to_string(count) +
                             ", pattern " + std::to_string(pattern));
                const Rows a(source_, count, n, q.value() - 1, pattern);
                const Rows b(source_, count, n, q.value() - 1, pattern);
                Buffer expected(n);
                Buffer found(n);
                portable().dot(expected.data(), a.pointers.data(), b.pointers.data(), count, n, q);
                kernels().dot(found.data(), a.pointers.data(), b.pointers.data(), count, n, q);
                ASSERT_TRUE(equal(expected, found)) << "dot";

                const Rows rows(source_, count, n, limit50, pattern);
                Buffer weights = source_.buffer(count, 0, q.value() - 1, pattern);
                Buffer plain = weights;
                portable().prepare_weights(plain.data(), count, q);
                portable().weighted_sum(expected.data(), rows.pointers.data(), plain.data(), count, n, q);
                kernels().prepare_weights(weights.data(), count, q);
                kernels().weighted_sum(found.data(), rows.pointers.data(), weights.data(), count, n, q);
                ASSERT_TRUE(equal(expected, found)) << "weighted_sum";
            }
        }
    }
}

TEST_P(KernelsTest, RoundFractions) {
    for (const std::size_t n : sizes) {
        for (std::size_t count = 1; count <= 64; ++count) {
            for (int pattern = 0; pattern < patterns; ++pattern) {
                SCOPED_TRACE("count = " + std::to_string(count) + ", pattern " + std::to_string(pattern));
                const Rows rows(source_, count, n, limit50, pattern);
                const Buffer high = source_.buffer(count, 0, limit52, pattern);
                const Buffer low = source_.buffer(count, 0, limit52, pattern);
                Buffer expected(n);
                Buffer found(n);
                portable().round_fractions(expected.data(), rows.pointers.data(), high.data(), low.data(),
                                           count, n);
                kernels().round_fractions(found.data(), rows.pointers.data(), high.data(), low.data(), count,
                                          n);
                ASSERT_TRUE(equal(expected, found));
            }
        }
    }
}

TEST_P(KernelsTest, Gather) {
    for (const std::size_t n : sizes) {
        for (const Modulus& q : moduli()) {
            const Buffer a = source_.buffer(n, 0, q.value() - 1);
            std::vector<std::uint32_t> anywhere(n);
            std::vector<std::uint32_t> within_eight(n);
            for (std::size_t j = 0; j < n; ++j) {
                anywhere[j] = static_cast<std::uint32_t>(source_() % n);
                // As the automorphisms of the transformed form do: each aligned group of eight reads one such
                // group.
                within_eight[j] = static_cast<std::uint32_t>((n / 8 - 1 - j / 8) * 8 + (j * 3 + j / 8) % 8);
            }
            for (const std::vector<std::uint32_t>& index : {anywhere, within_eight}) {
                Buffer expected(n);
                Buffer found(n);
                portable().gather(expected.data(), a.data(), index.data(), n);
                kernels().gather(found.data(), a.data(), index.data(), n);
                ASSERT_TRUE(equal(expected, found)) << "gather";
            }
        }
    }
}

TEST_P(KernelsTest, Automorphism) {
    for (std::size_t n = min_ntt_size; n <= max_ntt_size; n *= 2) {
        for (const Modulus& q : moduli()) {
            const Buffer a = source_.buffer(n, 0, q.value() - 1);
            std::vector<std::uint32_t> elements = {1, 3, 5, 7, 25, static_cast<std::uint32_t>(2 * n - 1)};
            for (int i = 0; i < 8; ++i) {
                elements.push_back(static_cast<std::uint32_t>(source_() % n * 2 + 1));
            }
            for (const std::uint32_t h : elements) {
                Buffer expected(n);
                Buffer found(n);
                portable().automorphism(expected.data(), a.data(), n, h, q);
                kernels().automorphism(found.data(), a.data(), n, h, q);
                ASSERT_TRUE(equal(expected, found)) << "n = " << n << ", h = " << h << ", q = " << q.value();
            }
        }
    }
}

TEST_P(KernelsTest, SparseTile) {
    constexpr std::size_t rows = 24;
    constexpr std::size_t stride = 320;
    for (const Modulus& q : moduli()) {
        const Buffer packed = source_.buffer(rows * stride + 64, 0, q.value() - 1);
        for (std::size_t length = 8; length <= 256; length += 8) {
            for (const std::size_t misalignment : {0, 1, 5}) {
                std::vector<std::uint32_t> offsets;
                std::vector<TermGroup> groups;
                const std::size_t group_count = source_() % 7;
                for (std::size_t g = 0; g < group_count; ++g) {
                    TermGroup group;
                    group.begin = static_cast<std::uint32_t>(offsets.size());
                    const std::size_t plus = source_() % 4;
                    const std::size_t minus = source_() % 4;
                    for (std::size_t i = 0; i < plus + minus; ++i) {
                        offsets.push_back(static_cast<std::uint32_t>(source_() % (rows * stride - length)));
                    }
                    group.middle = group.begin + static_cast<std::uint32_t>(plus);
                    group.end = group.middle + static_cast<std::uint32_t>(minus);
                    group.shift = static_cast<std::int32_t>(source_() % 16) - 1;
                    group.multiplier = group.shift >= 0 ? Word{1} << group.shift : source_.word(0, 1 << 14);
                    groups.push_back(group);
                }
                // The arithmetic wraps, so any words and any offset must agree, whether or not they fit the
                // bound.
                const Word offset = source_.word(0, limit64);
                for (const bool accumulate : {false, true}) {
                    Buffer expected = source_.buffer(256, 0, q.value() - 1);
                    Buffer found = expected;
                    portable().sparse_tile(expected.data(), length, packed.data() + misalignment,
                                           offsets.data(), groups.data(), groups.size(), offset, accumulate,
                                           q);
                    kernels().sparse_tile(found.data(), length, packed.data() + misalignment, offsets.data(),
                                          groups.data(), groups.size(), offset, accumulate, q);
                    ASSERT_TRUE(equal(expected, found))
                        << "q = " << q.value() << ", length " << length << ", misaligned by " << misalignment;
                }
            }
        }
    }
}

TEST_P(KernelsTest, FilterBelow) {
    for (const Modulus& q : moduli()) {
        for (const std::size_t count : {0, 1, 7, 8, 9, 64, 1000}) {
            const Word mask = (Word{1} << q.bits()) - 1;
            const Buffer words = source_.buffer(count, 0, limit64);
            Buffer expected(count + 8);
            Buffer found(count + 8);
            const std::size_t kept =
                portable().filter_below(expected.data(), words.data(), count, mask, q.value());
            ASSERT_EQ(kept, kernels().filter_below(found.data(), words.data(), count, mask, q.value()));
            for (std::size_t i = 0; i < kept; ++i) {
                ASSERT_EQ(expected[i], found[i]);
            }
        }
    }
}

TEST_P(KernelsTest, CentredBinomial) {
    for (const std::size_t n : sizes) {
        for (int pattern = 0; pattern < patterns; ++pattern) {
            const Buffer words = source_.buffer(n, 0, limit64, pattern);
            Buffer expected(n);
            Buffer found(n);
            portable().centred_binomial(expected.data(), words.data(), n);
            kernels().centred_binomial(found.data(), words.data(), n);
            ASSERT_TRUE(equal(expected, found));
        }
    }
}

TEST_P(KernelsTest, Transforms) {
    for (std::size_t n = min_ntt_size; n <= max_ntt_size; n *= 2) {
        for (const int bits : {17, 20, 32, 45, 49, 50}) {
            if (bits == 17 && n > 16384) {
                continue;  // no such prime
            }
            const Modulus q(ntt_primes(n, bits, 1).front());
            const NttTables reference(n, q, portable());
            const NttTables tables(n, q, kernels());
            for (int pattern = 0; pattern < patterns; ++pattern) {
                SCOPED_TRACE("n = " + std::to_string(n) + ", q = " + std::to_string(q.value()) +
                             ", pattern " + std::to_string(pattern));
                Buffer expected = source_.buffer(n, 0, 4 * q.value() - 1, pattern);
                Buffer found = expected;
                Buffer apart(n);
                tables.forward(expected.span(), apart.span());
                reference.forward(expected.span());
                tables.forward(found.span());
                ASSERT_TRUE(equal(expected, found)) << "forward";
                ASSERT_TRUE(equal(expected, apart)) << "forward, out of place";
                expected = source_.buffer(n, 0, 2 * q.value() - 1, pattern);
                found = expected;
                Buffer scaled = expected;
                reference.inverse(expected.span());
                tables.inverse(found.span());
                ASSERT_TRUE(equal(expected, found)) << "inverse";
                const std::uint64_t factor = source_.word(0, q.value() - 1);
                tables.inverse(scaled.span(), factor);
                portable().multiply_scalar(expected.data(), expected.data(), n, ShoupFactor(factor, q), q);
                ASSERT_TRUE(equal(expected, scaled)) << "inverse times " << factor;
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Supported, KernelsTest, ::testing::ValuesIn(supported_kernels()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace

}  // namespace lacuna
