// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include <lacuna/he/files/parameters_json.h>
#include <lacuna/he/fv/parameters.h>

namespace lacuna {

/// For messages of tests that run over several parameters: GoogleTest would show their bytes.
inline void PrintTo(const Parameters& parameters, std::ostream* out) {
    *out << format_parameters(parameters);
}

namespace testing {

/// The name of a test over these parameters: degree, numbers of data and special primes, and where they
/// stand.
inline std::string parameters_name(const ::testing::TestParamInfo<Parameters>& info) {
    const Parameters& parameters = info.param;
    const std::size_t data = parameters.data_bits.size() + parameters.data_primes.size();
    const std::size_t special = parameters.special_bits.size() + parameters.special_primes.size();
    std::string name = "n";  // piece by piece: GCC 12 warns falsely of "n" + std::to_string(...)
    name += std::to_string(parameters.n) + "_" + std::to_string(data) + "_and_" + std::to_string(special);
    return name += "_primes_setting" + std::to_string(info.index);
}

}  // namespace testing
}  // namespace lacuna
