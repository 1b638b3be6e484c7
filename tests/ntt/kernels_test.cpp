// SPDX-License-Identifier: Apache-2.0
//
// The choice of a kernel is made once per process, so every case runs in a process of its own.
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include <lacuna/ntt/kernels.h>

namespace lacuna {

namespace {

/// Ends the process, reporting the kernel that LACUNA_KERNELS=value leads to, or the error. Null unsets the
/// variable.
[[noreturn]] void report_choice(const char* value) {
    if (value != nullptr) {
        setenv("LACUNA_KERNELS", value, 1);
    } else {
        unsetenv("LACUNA_KERNELS");
    }
    try {
        std::cerr << "chose " << active_kernels().name << "\n";
    } catch (const Error& error) {
        std::cerr << "error: " << error.what() << "\n";
    }
    std::_Exit(0);
}

class DispatchTest : public ::testing::Test {
  protected:
    // A fresh process, not a fork: another test may have settled the choice already.
    DispatchTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(DispatchTest, PortableIsLastAndAlwaysSupported) {
    ASSERT_FALSE(all_kernels().empty());
    EXPECT_EQ(all_kernels().back()->name, "portable");
    EXPECT_TRUE(all_kernels().back()->supported());
}

TEST_F(DispatchTest, TheFirstSupportedOneIsChosen) {
    for (const Kernels* kernels : all_kernels()) {
        if (kernels->supported()) {
            const std::string expected = "chose " + std::string(kernels->name) + "\n";
            EXPECT_EXIT(report_choice(nullptr), ::testing::ExitedWithCode(0), expected);
            EXPECT_EXIT(report_choice(""), ::testing::ExitedWithCode(0), expected);
            break;
        }
    }
}

TEST_F(DispatchTest, TheEnvironmentForcesAKernel) {
    for (const Kernels* kernels : all_kernels()) {
        const std::string name(kernels->name);
        EXPECT_EXIT(report_choice(name.c_str()), ::testing::ExitedWithCode(0),
                    kernels->supported() ? "chose " + name + "\n" : "error: .*lacks the instructions");
    }
}

TEST_F(DispatchTest, AnUnknownNameIsAnError) {
    EXPECT_EXIT(report_choice("sse9"), ::testing::ExitedWithCode(0),
                "error: LACUNA_KERNELS: expected one of .*portable, found 'sse9'");
    EXPECT_EXIT(report_choice("AVX2"), ::testing::ExitedWithCode(0),
                "error: LACUNA_KERNELS: expected one of");
}

}  // namespace

}  // namespace lacuna
