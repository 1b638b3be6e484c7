// SPDX-License-Identifier: Apache-2.0
#include "tools/npy.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/messages.h"
#include "tests/support/scratch_folder.h"
#include "tests/tools/rows_of.h"

namespace lacuna::testing {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// A file of NumPy's format, written from its definition (NEP 1).
std::string npy(const std::string& dictionary, const std::string& values, int version = 1) {
    std::string text = "\x93NUMPY" + std::string(1, static_cast<char>(version)) + std::string(1, '\0');
    for (int i = 0; i < (version == 1 ? 2 : 4); ++i) {
        text += static_cast<char>(dictionary.size() >> 8 * i);
    }
    return text + dictionary + values;
}

template <typename Number>
std::string array(const std::string& type, const std::string& shape, const std::vector<Number>& values,
                  int version = 1) {
    std::string bytes(values.size() * sizeof(Number), '\0');
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return npy("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }      \n", bytes,
               version);
}

class Npy : public ::testing::Test {
  protected:
    InputRows::Kept read(const std::string& x, const RowRequest& request, const std::string& y = "") {
        const auto inputs = folder_.write("x.npy", x);
        const auto labels = y.empty() ? std::nullopt : std::optional(folder_.write("y.npy", y));
        return rows_of(request, [&](InputRows& rows) { read_npy(inputs, labels, rows); });
    }
    void expect_refused(const std::string& x, const std::vector<std::string>& parts,
                        const std::string& y = "",
                        RowRequest request = all_rows({2, 1, 1}, {{0, 255}, {0, 255}})) {
        expect_mentions(message_of([&] { (void)read(x, request, y); }), parts);
    }

    ScratchFolder folder_;
};

TEST_F(Npy, EveryTypeGivesTheSamePixels) {
    const RowRequest request = all_rows({2, 1, 1}, {{0, 255}, {0, 255}});
    const Bytes expected = {0, 1, 2, 3, 100, 7};
    const auto expect_same = [&]<typename Number>(const std::string& type, Number) {
        const std::vector<Number> values(expected.begin(), expected.end());
        for (const int version : {1, 2, 3}) {
            EXPECT_EQ(read(array(type, "(3, 2)", values, version), request).pixels, expected) << type;
        }
    };
    expect_same("|u1", std::uint8_t{});
    expect_same("|i1", std::int8_t{});
    expect_same("<u2", std::uint16_t{});
    expect_same("<i2", std::int16_t{});
    expect_same("<u4", std::uint32_t{});
    expect_same("<i4", std::int32_t{});
    expect_same("<u8", std::uint64_t{});
    expect_same("<i8", std::int64_t{});
    expect_same("<f4", float{});
    expect_same("<f8", double{});
}

TEST_F(Npy, ImagesKeepTheirOrderAndLabels) {
    Bytes pixels(24);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
        pixels[i] = static_cast<std::uint8_t>(i);
    }
    const std::string labels = array<std::int64_t>("<i8", "(2,)", {7, 0});
    for (const char* shape : {"(2, 3, 2, 2)", "(2, 12)", "(2,12)"}) {
        const auto kept = read(array("|u1", shape, pixels), all_rows({3, 2, 2}), labels);
        EXPECT_EQ(kept.pixels, pixels);
        EXPECT_EQ(kept.labels, (std::vector<std::size_t>{7, 0}));
    }
    EXPECT_EQ(
        read(array("|u1", "(2, 3, 4)", pixels), all_rows({1, 3, 4}), array<double>("<f8", "(2,)", {1, 2}))
            .labels,
        (std::vector<std::size_t>{1, 2}));
    const std::vector<std::int32_t> words(pixels.begin(), pixels.end());
    EXPECT_EQ(read(array("<i4", "(2, 1, 3, 4)", words), all_rows({1, 3, 4})).pixels, pixels);
}

TEST_F(Npy, PartsOfItAreRead) {
    RowRequest request = all_rows({1, 1, 1});
    request.first = 1;
    request.count = 2;
    const auto kept = read(array<std::uint8_t>("|u1", "(5, 1)", {9, 8, 7, 6, 5}), request,
                           array<std::uint8_t>("|u1", "(5,)", {0, 1, 2, 3, 4}));
    EXPECT_EQ(kept.pixels, (Bytes{8, 7}));
    EXPECT_EQ(kept.labels, (std::vector<std::size_t>{1, 2}));
    request.count = 9;  // more than there are
    EXPECT_EQ(read(array<std::uint8_t>("|u1", "(5, 1)", {9, 8, 7, 6, 5}), request).pixels,
              (Bytes{8, 7, 6, 5}));
    request.first = 5;
    expect_refused(array<std::uint8_t>("|u1", "(5, 1)", {9, 8, 7, 6, 5}), {"from 5 on", "found 5", "--first"},
                   "", request);
}

TEST_F(Npy, RefusesOtherArraysInWords) {
    const std::vector<float> six(6);
    const auto of_type = [&](const std::string& type) {
        return npy("{'descr': " + type + ", 'fortran_order': False, 'shape': (3, 2), }",
                   std::string(48, '\0'));
    };
    expect_refused(of_type("'>f4'"), {"x.npy", "little-endian", "big-endian '>f4'"});
    expect_refused(of_type("'|O'"), {"x.npy", "Python objects"});
    expect_refused(of_type("'|b1'"), {"'|b1'"});
    expect_refused(of_type("'<c8'"), {"'<c8'"});
    expect_refused(of_type("'<f2'"), {"'<f2'"});
    expect_refused(of_type("'<U5'"), {"'<U5'"});
    expect_refused(of_type("'|f4'"), {"'|f4'"});
    expect_refused(of_type("''"), {"type ''"});
    expect_refused(of_type("[('a', '<f4')]"), {"a structure"});
    expect_refused(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }", std::string(24, '\0')),
                   {"C order", "Fortran"});
    expect_refused(array("<f4", "(6,)", six), {"two dimensions", "found 1"});
    expect_refused(array("<f4", "()", six), {"two dimensions", "found 0"});
    expect_refused(array("<f4", "(2, 3)", six), {"2 x 1 x 1", "flat ones of 2", "found 3"});
    expect_refused(array("<f4", "(0, 2)", std::vector<float>()), {"expected inputs, found none"});
    expect_refused(array<std::uint8_t>("|u1", "(1, 4, 4, 3)", Bytes(48)),
                   {"3 x 4 x 4", "4 x 4 x 3", "channels first"}, "", all_rows({3, 4, 4}));
}

TEST_F(Npy, RefusesDamage) {
    const std::string good = array<float>("<f4", "(3, 2)", {1, 2, 3, 4, 5, 6});
    expect_refused("", {"x.npy", "offset 0", "NumPy"});
    expect_refused("PK\x03\x04 a zip of arrays", {"NumPy array"});
    expect_refused(good.substr(0, 8) + "\xff\xff", {"x.npy"});
    expect_refused(good.substr(0, good.size() - 1), {"row 2", "8 bytes", "found 7", "cut off"});
    expect_refused(good + "x", {"x.npy", "end"});
    std::string other = good;
    other[6] = 4;
    expect_refused(other, {"offset 6", "1.0, 2.0 or 3.0", "found 4.0"});
    expect_refused(npy("{'descr': '<f4', 'shape': (3, 2)}", ""), {"descr, fortran_order and shape"});
    expect_refused(npy("{'descr': '<f4', 'fortran_order': Perhaps, 'shape': (3, 2)}", ""), {"True or False"});
    expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, -2)}", ""), {"a dimension"});
    expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 2)}", ""),
                   {"a dimension"});
    expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)} + 1", ""),
                   {"the end of the header"});
    expect_refused(npy("{'descr: <f4", ""), {"a text in quotes"});
    expect_refused(npy("{'more': 1}", ""), {"descr, fortran_order and shape"});
    // A false length takes no memory.
    expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (281474976710655, 2)}", ""),
                   {"row 0", "found 0"});
    for (std::size_t length = 0; length < good.size(); ++length) {
        EXPECT_NE(message_of([&] {
                      (void)read(good.substr(0, length), all_rows({2, 1, 1}, {{0, 1}, {0, 1}}));
                  }),
                  "");
    }
}

TEST_F(Npy, RefusesNumbersThatAreNoPixelsAndLabelsThatAreNoClasses) {
    const RowRequest pixels = all_rows({2, 1, 1});
    expect_refused(array<float>("<f4", "(1, 2)", {1, 2}), {"x.npy: row 0", "no ranges", "import"}, "",
                   pixels);
    expect_refused(array<std::int16_t>("<i2", "(2, 2)", {1, 2, 3, 256}), {"row 1", "found 256", "element 1"},
                   "", pixels);
    expect_refused(array<std::int16_t>("<i2", "(1, 2, 1)", {1, -1}), {"row 0", "found -1", "element 1"}, "",
                   pixels);
    expect_refused(array<float>("<f4", "(1, 2)", {0, std::numeric_limits<float>::quiet_NaN()}),
                   {"row 0", "finite", "element 1"});
    const std::string x = array<float>("<f4", "(2, 2)", {1, 2, 3, 4});
    expect_refused(x, {"y.npy", "2 labels", "shape 3"}, array<std::uint8_t>("|u1", "(3,)", {1, 2, 3}));
    expect_refused(x, {"y.npy", "shape 2 x 1"}, array<std::uint8_t>("|u1", "(2, 1)", {1, 2}));
    expect_refused(x, {"y.npy: row 1", "whole number"}, array<float>("<f4", "(2,)", {1, 0.5F}));
    expect_refused(x, {"y.npy: row 0", "from 0 on"}, array<std::int8_t>("|i1", "(2,)", {-1, 0}));
    expect_refused(x, {"y.npy: row 0"},
                   array<float>("<f4", "(2,)", {std::numeric_limits<float>::quiet_NaN(), 0}));
}

}  // namespace
}  // namespace lacuna::testing
