// SPDX-License-Identifier: Apache-2.0
//
// Every kernel that this machine supports gives the same words as the portable one, over the whole range of
// inputs that each function states, extremes included: the fixture of the tests in this folder, which mirror
// the files of ntt/kernels.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/kernels.h>
#include <lacuna/ntt/primes.h>

namespace lacuna {

using Word = std::uint64_t;

inline const Kernels& portable() {
    return *all_kernels().back();
}

inline std::vector<const Kernels*> supported_kernels() {
    std::vector<const Kernels*> kernels;
    for (const Kernels* candidate : all_kernels()) {
        if (candidate->supported()) {
            kernels.push_back(candidate);
        }
    }
    return kernels;
}

/// Primes of each size that an input range has to be tried with, and moduli that are no NTT prime.
inline std::vector<Modulus> moduli() {
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

inline ::testing::AssertionResult equal(const Buffer& expected, const Buffer& found) {
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

}  // namespace lacuna
