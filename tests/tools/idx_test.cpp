// SPDX-License-Identifier: Apache-2.0
#include "tools/idx.h"
#include "tests/support/places.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include <lacuna/ntt/error.h>
#include "tests/support/digits_source.h"

namespace lacuna {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes words(std::initializer_list<std::uint32_t> values) {
    Bytes bytes;
    for (const std::uint32_t value : values) {
        for (int shift = 24; shift >= 0; shift -= 8) {
            bytes.push_back(static_cast<std::uint8_t>(value >> shift));
        }
    }
    return bytes;
}

Bytes joined(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

Bytes gzip(const Bytes& plain) {
    z_stream stream{};
    deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
    Bytes packed(deflateBound(&stream, plain.size()) + 32);
    Bytes input = plain;
    stream.next_in = input.data();
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = packed.data();
    stream.avail_out = static_cast<uInt>(packed.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}

class Idx : public ::testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::temp_directory_path() / ("lacuna-idx-" + std::to_string(::getpid()));
        std::filesystem::create_directory(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path write(const std::string& name, const Bytes& bytes) const {
        const std::filesystem::path file = folder_ / name;
        std::ofstream stream(file, std::ios::binary);
        stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return file;
    }

    /// Message of the error that reading images gives, plain and compressed alike.
    std::string image_error(const Bytes& bytes) const {
        const std::string plain = error_of([&] { (void)read_idx_images(write("plain", bytes)); });
        const std::string packed = error_of([&] { (void)read_idx_images(write("packed.gz", gzip(bytes))); });
        const auto reason = [](const std::string& text) { return text.substr(text.find(": ")); };
        EXPECT_EQ(reason(plain), reason(packed));
        return plain;
    }

    template <class Action>
    static std::string error_of(const Action& action) {
        try {
            action();
        } catch (const Error& error) {
            return error.what();
        }
        ADD_FAILURE() << "no error";
        return ": ";
    }

    static void expect_in(const std::string& text, const std::string& part) {
        EXPECT_NE(text.find(part), std::string::npos) << text;
    }

    std::filesystem::path folder_;
};

TEST_F(Idx, ReadsImagesAndLabelsPlainAndCompressed) {
    const Bytes images = joined(words({0x803, 2, 2, 3}), {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255});
    for (const auto& file : {write("a", images), write("a.gz", gzip(images))}) {
        const IdxImages read = read_idx_images(file);
        EXPECT_EQ(read.count, 2U);
        EXPECT_EQ(read.rows, 2U);
        EXPECT_EQ(read.columns, 3U);
        EXPECT_EQ(Bytes(read.image(1).begin(), read.image(1).end()), (Bytes{6, 7, 8, 9, 10, 255}));
    }
    const Bytes labels = joined(words({0x801, 3}), {7, 0, 9});
    EXPECT_EQ(read_idx_labels(write("b", labels)), (Bytes{7, 0, 9}));
    EXPECT_EQ(read_idx_labels(write("b.gz", gzip(labels))), (Bytes{7, 0, 9}));
}

TEST_F(Idx, ReadsMoreThanOneChunk) {
    Bytes pixels(300 * 400);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
        pixels[i] = static_cast<std::uint8_t>(i * i / 7);
    }
    const Bytes images = joined(words({0x803, 3, 100, 400}), pixels);
    EXPECT_EQ(read_idx_images(write("a", images)).pixels, pixels);
    EXPECT_EQ(read_idx_images(write("a.gz", gzip(images))).pixels, pixels);
}

TEST_F(Idx, NamesWhatIsWrong) {
    expect_in(image_error({}), "offset 0: expected 4 bytes with the magic number, found 0 bytes");
    expect_in(image_error(joined(words({0x801, 1}), {3})), "0x00000803 of images, found 0x00000801");
    expect_in(image_error(words({0x803, 2, 2})), "offset 12: expected 4 bytes with a number of columns");
    expect_in(image_error(words({0x803, 0, 2, 2})), "offset 4: expected a number of images from 1");
    expect_in(image_error(words({0x803, 1, 5000, 2})), "offset 8: expected a number of rows from 1 to 4096");
    expect_in(image_error(words({0x803, 1000000, 4096, 4096})), "at most 1073741824 pixels");
    expect_in(image_error(joined(words({0x803, 1, 2, 2}), {1, 2, 3})),
              "offset 19: expected 4 bytes after the header, found 3");
    expect_in(image_error(joined(words({0x803, 1, 2, 2}), {1, 2, 3, 4, 5})),
              "offset 20: expected the end of the data, found more bytes");
    // A huge length costs no memory when the bytes are not there.
    expect_in(image_error(words({0x803, 60, 4096, 4096})), "offset 16: expected 1006632960 bytes");
    expect_in(error_of([&] {
                  (void)read_idx_labels(write("l", words({0xffffffff, 0xffffffff})));
              }),
              "0x00000801 of labels, found 0xffffffff");
    expect_in(error_of([&] { (void)read_idx_images(folder_ / "absent"); }), "absent: cannot open");
    expect_in(error_of([&] { (void)read_idx_images(folder_); }), "cannot read");
}

TEST_F(Idx, NamesDamagedCompression) {
    const Bytes packed = gzip(joined(words({0x803, 1, 2, 2}), {1, 2, 3, 4}));
    for (std::size_t size = 2; size < packed.size(); ++size) {
        const auto file =
            write("cut.gz", {packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(size)});
        expect_in(error_of([&] { (void)read_idx_images(file); }), "the end of the file");
    }
    Bytes damaged = packed;
    damaged[damaged.size() - 6] ^= 1;  // in the checksum
    expect_in(error_of([&] { (void)read_idx_images(write("crc.gz", damaged)); }), "expected gzip data");
    expect_in(error_of([&] { (void)read_idx_images(write("tail.gz", joined(packed, {0}))); }),
              "nothing after the compressed data");
}

TEST_F(Idx, ReadsAFolderOfEitherNaming) {
    const Bytes images = joined(words({0x803, 1, 1, 1}), {9});
    const Bytes labels = joined(words({0x801, 1}), {4});
    expect_in(error_of([&] { (void)read_digits(folder_); }), "t10k-images-idx3-ubyte");
    write("images-idx3-ubyte.gz", gzip(images));
    expect_in(error_of([&] { (void)read_digits(folder_); }), "t10k-labels-idx1-ubyte");
    write("labels-idx1-ubyte", labels);
    EXPECT_EQ(read_digits(folder_).labels, (Bytes{4}));
    write("t10k-labels-idx1-ubyte.gz", gzip(joined(words({0x801, 2}), {4, 5})));
    expect_in(error_of([&] { (void)read_digits(folder_); }), "expected 1 labels");
    write("t10k-labels-idx1-ubyte", joined(words({0x801, 1}), {6}));
    EXPECT_EQ(read_digits(folder_).labels, (Bytes{6}));
}

TEST_F(Idx, FindsMnistByOptionThenVariableThenFolder) {
    const char* set = std::getenv("LACUNA_MNIST");
    const std::string before = set != nullptr ? set : "";
    const std::filesystem::path here = std::filesystem::current_path();
    const std::filesystem::path named = folder_ / "named";
    std::filesystem::create_directory(named);
    std::filesystem::current_path(folder_);

    ::unsetenv("LACUNA_MNIST");
    EXPECT_EQ(find_mnist(), std::nullopt);
    ::setenv("LACUNA_MNIST", "", 1);
    EXPECT_EQ(find_mnist(), std::nullopt);
    std::filesystem::create_directories(folder_ / "data" / "mnist");
    EXPECT_EQ(find_mnist(), std::filesystem::path("data/mnist"));
    ::setenv("LACUNA_MNIST", named.c_str(), 1);
    EXPECT_EQ(find_mnist(), named);
    EXPECT_EQ(find_mnist(folder_), folder_);
    expect_in(error_of([&] { (void)find_mnist(folder_ / "absent"); }), "--mnist: expected a folder");
    ::setenv("LACUNA_MNIST", "absent", 1);
    expect_in(error_of([&] { (void)find_mnist(); }), "LACUNA_MNIST: expected a folder");

    std::filesystem::current_path(here);
    if (set != nullptr) {
        ::setenv("LACUNA_MNIST", before.c_str(), 1);
    } else {
        ::unsetenv("LACUNA_MNIST");
    }
}

TEST_F(Idx, ShippedDigitsAreComplete) {
    const LabelledImages digits = read_digits(test::source_folder() / "tools" / "digits");
    EXPECT_EQ(digits.images.count, 200U);
    EXPECT_EQ(digits.images.image_size(), 28U * 28U);
    for (std::size_t i = 0; i < digits.labels.size(); ++i) {
        EXPECT_EQ(digits.labels[i], i % 10);
    }
}

TEST_F(Idx, DigitsOfTheTestsAreDigits) {
    const auto& source = test::digits_source();
    EXPECT_EQ(source.digits.images.rows, 28U);
    EXPECT_EQ(source.digits.images.columns, 28U);
    for (const std::uint8_t label : source.digits.labels) {
        EXPECT_LT(label, 10);
    }
}

}  // namespace
}  // namespace lacuna
