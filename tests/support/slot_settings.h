// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmpxx.h>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <lacuna/ntt/gmp_words.h>

namespace lacuna::testing {

struct SlotSetting {
    std::size_t n;
    std::size_t k;
    std::int64_t b;
};

/// p of 16, 30, 43, 57, 62, 88, 121, 134 and 158 bits, at the smallest and largest degrees.
inline const std::vector<SlotSetting>& slot_settings() {
    static const std::vector<SlotSetting> all = {
        {16, 1, 2},         {32, 2, 2},          {1024, 64, 2},     {64, 16, 160},    {4096, 1024, 160},
        {8192, 2048, 1472}, {8192, 2048, -1472}, {8192, 1024, 132}, {4096, 512, 240}, {256, 16, 44},
        {4096, 256, 188},   {8192, 512, 330},    {1024, 32, 30},    {8192, 1, 2},     {4096, 1, 10},
        {32768, 8192, 160}, {16384, 2048, 680},
    };
    return all;
}

inline mpz_class centred(const mpz_class& value, const mpz_class& p) {
    mpz_class rest;
    mpz_fdiv_r(rest.get_mpz_t(), value.get_mpz_t(), p.get_mpz_t());
    return 2 * rest > p ? mpz_class(rest - p) : rest;
}

}  // namespace lacuna::testing
