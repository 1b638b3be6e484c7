// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/byte_stream.h>

#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/files/serialize.h>
#include "tests/support/golden.h"

namespace lacuna::testing {
namespace {

TEST(ByteStream, HoldsWhatAFileWould) {
    const GoldenObjects golden;
    const Ring& ring = golden.context.ring();
    ByteStream stream;
    std::ostringstream file;
    for (std::ostream* out : {static_cast<std::ostream*>(&stream), static_cast<std::ostream*>(&file)}) {
        save(*out, ring, golden.ciphertext());
        out->put('!');
        *out << 42;
    }
    const std::string expected = file.str();
    EXPECT_EQ(stream.bytes(), std::vector<std::uint8_t>(expected.begin(), expected.end()));
    Source source(stream.bytes(), "memory");
    EXPECT_EQ(load_ciphertext(source, golden.context).parts[0], golden.ciphertext().parts[0]);
}

TEST(ByteStream, BeginsAnewOnceItsBytesAreTaken) {
    ByteStream stream;
    stream << "one";
    EXPECT_EQ(stream.take(), (std::vector<std::uint8_t>{'o', 'n', 'e'}));
    EXPECT_TRUE(stream.bytes().empty());
    stream << "two";
    EXPECT_EQ(stream.take(), (std::vector<std::uint8_t>{'t', 'w', 'o'}));
    EXPECT_TRUE(stream.good());
}

}  // namespace
}  // namespace lacuna::testing
