// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/serialize.h>

#include <gtest/gtest.h>

#include "tests/he/files/serialize_fixture.h"

namespace lacuna::testing {
namespace {

class SerializeParameters : public SerializeTest {};

INSTANTIATE_TEST_SUITE_P(Settings, SerializeParameters, serialize_settings(), parameters_name);

TEST_P(SerializeParameters, ParametersComeBackResolved) {
    const Bytes bytes = saved(GetParam());
    EXPECT_EQ(loaded(bytes, [](Source& source) { return load_parameters(source); }), resolve(GetParam()));
}

class ParametersRefusal : public RefusalTest {};

TEST_F(ParametersRefusal, ParametersThatDoNotHold) {
    const Bytes bytes = saved(golden_parameters());
    const auto load = [](Source& source) { (void)load_parameters(source); };
    EXPECT_NO_THROW(loading(bytes, load)());
    expect_error(loading(with(bytes, 56, 1), load), {"upload.lct", "1 modulo 2n"});
    expect_error(loading(with(bytes, 34, 1), load), {"upload.lct", "n: expected a power of two"});
    expect_error(loading(with(bytes, 40, 65), load), {"primes from 0 to 64, found 65"});
    expect_error(loading(with(bytes, 43, 0), load), {"128 bits", "allow_insecure"});
    expect_error(loading(with(bytes, 43, 2), load), {"allow_insecure"});
    expect_error(loading(with(bytes, 16, 1), load), {"no ring"});
}

}  // namespace
}  // namespace lacuna::testing
