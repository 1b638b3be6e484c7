// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/record_parts.h>

#include <cstdint>
#include <random>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/support/residues.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/serialization.h"

namespace lacuna::testing {
namespace {

/// Writes a record around `write` and reads it again with `read`.
template <typename Write, typename Read>
void through_a_record(const RecordHeader& header, const Write& write, const Read& read) {
    std::ostringstream stream;
    RecordWriter writer(stream, header);
    write(writer);
    writer.finish();
    const Bytes bytes = bytes_of(stream);
    Source source(bytes, "memory");
    RecordReader reader(source);
    read(reader);
    reader.finish();
    source.expect_end();
}

TEST(RecordParts, PolynomialsTakeTheBitsOfTheirPrimes) {
    const RnsBasis basis(64, primes_of(64, {50, 33, 20, 13}));
    std::mt19937_64 random(1);
    for (std::size_t limbs = 1; limbs <= 4; ++limbs) {
        const RnsPolynomial polynomial = random_polynomial(basis.prefix(limbs), Form::coefficient, random);
        const std::uint64_t bytes = detail::polynomial_bytes(basis, limbs);
        constexpr std::array<std::uint64_t, 4> sums = {50, 83, 103, 116};
        EXPECT_EQ(bytes, 64 * sums[limbs - 1] / 8);
        through_a_record(
            {Kind::plaintext, file_format_version, bytes, {}, 64},
            [&](RecordWriter& writer) { detail::write_polynomial(writer, basis, polynomial); },
            [&](RecordReader& reader) {
                EXPECT_EQ(detail::read_polynomial(reader, basis, limbs, Form::coefficient, "c0"), polynomial);
            });
    }
}

TEST(RecordParts, PlaintextModuliComeBackInTheVersionThatNamesThem) {
    for (const PlainModulus& t :
         {PlainModulus(2), PlainModulus((std::uint64_t{1} << 50) - 1), PlainModulus::binomial(1, 2),
          PlainModulus::binomial(16384, -2), PlainModulus::binomial(64, max_plain_base - 1),
          PlainModulus::binomial(64, 1 - max_plain_base)}) {
        EXPECT_EQ(detail::version_for(t), t.is_integer() ? 1 : 2);
        through_a_record(
            {Kind::plaintext, detail::version_for(t), detail::plain_modulus_bytes(t), {}, 64},
            [&](RecordWriter& writer) { detail::write_plain_modulus(writer, t); },
            [&](RecordReader& reader) { EXPECT_EQ(detail::read_plain_modulus(reader), t); });
    }
}

TEST(RecordParts, FilesEndBehindTheirObject) {
    const ScratchFolder folder;
    const auto load = [](Source& source) {
        std::uint8_t byte = 0;
        source.read({&byte, 1}, "a byte");
        return byte;
    };
    EXPECT_EQ(detail::load_file(folder.write("one", "x"), load), 'x');
    EXPECT_THROW((void)detail::load_file(folder.write("two", "xy"), load), Error);
}

}  // namespace
}  // namespace lacuna::testing
