// SPDX-License-Identifier: Apache-2.0
#include "tools/idx.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include <zlib.h>

#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

constexpr std::size_t maximum_items = 1'000'000;
constexpr std::size_t maximum_side = 4096;
constexpr std::size_t maximum_bytes = std::size_t{1} << 30;
constexpr std::size_t chunk_size = std::size_t{1} << 16;

/// The bytes of a file, decompressed where it is gzip, from front to end. gzread() would do most of this, but
/// it skips garbage after the compressed data without a word.
class ByteReader {
  public:
    explicit ByteReader(const std::filesystem::path& file)
        : name_(file.string()), stream_(std::fopen(file.c_str(), "rb")) {
        if (!stream_) {
            throw Error(name_ + ": cannot open: " + std::strerror(errno) +
                        "; check the path and its permissions");
        }
        start();
    }
    /// From memory, which must outlive the reader.
    ByteReader(std::span<const std::uint8_t> bytes, std::string name) : name_(std::move(name)), rest_(bytes) {
        start();
    }
    ~ByteReader() {
        if (initialised_) {
            inflateEnd(&inflater_);
        }
    }
    ByteReader(const ByteReader&) = delete;
    ByteReader& operator=(const ByteReader&) = delete;

    /// Reads until `bytes` is full or the data ends; returns how many bytes were read.
    std::size_t read(std::span<std::uint8_t> bytes) {
        std::size_t done = 0;
        while (done < bytes.size() && !ended_) {
            done += gzip_ ? inflate_some(bytes.subspan(done)) : copy_some(bytes.subspan(done));
        }
        offset_ += done;
        return done;
    }

    [[nodiscard]] std::size_t offset() const { return offset_; }

    [[noreturn]] void fail(std::size_t offset, const std::string& expected, const std::string& found,
                           const std::string& advice) const {
        throw Error(name_ + ": offset " + std::to_string(offset) + ": expected " + expected + ", found " +
                    found + "; " + advice);
    }

  private:
    struct Close {
        void operator()(std::FILE* stream) const { std::fclose(stream); }
    };

    void start() {
        fill();
        gzip_ = chunk_.size() >= 2 && chunk_[0] == 0x1f && chunk_[1] == 0x8b;
        if (gzip_ && inflateInit2(&inflater_, 16 + MAX_WBITS) != Z_OK) {
            throw Error(name_ + ": cannot start decompression; free some memory");
        }
        initialised_ = gzip_;
    }

    void fill() {
        position_ = 0;
        if (!stream_) {
            const auto next = rest_.first(std::min(rest_.size(), chunk_size));
            chunk_.assign(next.begin(), next.end());
            rest_ = rest_.subspan(next.size());
            return;
        }
        chunk_.resize(chunk_size);
        chunk_.resize(std::fread(chunk_.data(), 1, chunk_size, stream_.get()));
        if (std::ferror(stream_.get()) != 0) {
            throw Error(name_ + ": cannot read: " + std::strerror(errno) +
                        "; check that it is a readable file");
        }
    }

    std::size_t copy_some(std::span<std::uint8_t> bytes) {
        if (position_ == chunk_.size()) {
            fill();
            ended_ = chunk_.empty();
        }
        const std::size_t count = std::min(bytes.size(), chunk_.size() - position_);
        std::copy_n(chunk_.begin() + static_cast<std::ptrdiff_t>(position_), count, bytes.begin());
        position_ += count;
        return count;
    }

    std::size_t inflate_some(std::span<std::uint8_t> bytes) {
        if (position_ == chunk_.size()) {
            fill();
            if (chunk_.empty()) {
                fail(offset_, "more compressed data", "the end of the file", "fetch the file again");
            }
        }
        inflater_.next_in = chunk_.data() + position_;
        inflater_.avail_in = static_cast<uInt>(chunk_.size() - position_);
        inflater_.next_out = bytes.data();
        const auto room = static_cast<uInt>(std::min(bytes.size(), chunk_size));
        inflater_.avail_out = room;
        const int status = inflate(&inflater_, Z_NO_FLUSH);
        position_ = chunk_.size() - inflater_.avail_in;
        if (status == Z_STREAM_END) {
            finish_gzip();
        } else if (status != Z_OK) {
            fail(offset_, "gzip data", inflater_.msg != nullptr ? inflater_.msg : "damaged data",
                 "fetch the file again");
        }
        return room - inflater_.avail_out;
    }

    void finish_gzip() {
        ended_ = true;
        if (position_ == chunk_.size()) {
            fill();
        }
        if (position_ < chunk_.size()) {
            fail(offset_, "nothing after the compressed data", "more bytes", "fetch the file again");
        }
    }

    std::string name_;
    std::unique_ptr<std::FILE, Close> stream_;
    std::span<const std::uint8_t> rest_;  ///< what memory has left, where there is no stream
    std::vector<std::uint8_t> chunk_;
    std::size_t position_ = 0;
    std::size_t offset_ = 0;  ///< uncompressed bytes handed out
    z_stream inflater_{};
    bool gzip_ = false;
    bool initialised_ = false;
    bool ended_ = false;
};

std::string hexadecimal(std::uint32_t value) {
    std::array<char, 11> text{};
    std::snprintf(text.data(), text.size(), "0x%08x", value);
    return text.data();
}

std::uint32_t read_word(ByteReader& reader, const std::string& what) {
    std::array<std::uint8_t, 4> bytes{};
    const std::size_t offset = reader.offset();
    const std::size_t count = reader.read(bytes);
    if (count != bytes.size()) {
        reader.fail(offset, "4 bytes with " + what, std::to_string(count) + " bytes", "fetch the file again");
    }
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 |
           bytes[3];
}

void read_magic(ByteReader& reader, std::uint32_t expected, const std::string& what) {
    const std::uint32_t magic = read_word(reader, "the magic number");
    if (magic != expected) {
        reader.fail(0, "the magic number " + hexadecimal(expected) + " of " + what, hexadecimal(magic),
                    "give an IDX file of " + what);
    }
}

std::size_t read_length(ByteReader& reader, const std::string& what, std::size_t maximum) {
    const std::size_t offset = reader.offset();
    const std::uint32_t length = read_word(reader, what);
    if (length < 1 || length > maximum) {
        reader.fail(offset, what + " from 1 to " + std::to_string(maximum), std::to_string(length),
                    "give a file of that size");
    }
    return length;
}

/// Exactly `size` bytes and then the end. Grows with what is there, so a false length costs no memory.
std::vector<std::uint8_t> read_rest(ByteReader& reader, std::size_t size) {
    const std::size_t start = reader.offset();
    std::vector<std::uint8_t> bytes;
    while (bytes.size() < size) {
        const std::size_t old = bytes.size();
        bytes.resize(std::min(size, old + chunk_size));
        const std::size_t count = reader.read(std::span(bytes).subspan(old));
        if (count != bytes.size() - old) {
            reader.fail(start + old + count, std::to_string(size) + " bytes after the header",
                        std::to_string(old + count), "fetch the file again");
        }
    }
    std::array<std::uint8_t, 1> extra{};
    if (reader.read(extra) != 0) {
        reader.fail(start + size, "the end of the data", "more bytes", "fetch the file again");
    }
    return bytes;
}

std::filesystem::path find_file(const std::filesystem::path& folder, const std::string& name) {
    for (const char* prefix : {"t10k-", ""}) {
        for (const char* suffix : {"", ".gz"}) {
            std::filesystem::path file = folder / (prefix + name + suffix);
            std::error_code ignored;
            if (std::filesystem::is_regular_file(file, ignored)) {
                return file;
            }
        }
    }
    throw Error(folder.string() + ": expected a file t10k-" + name + " or t10k-" + name +
                ".gz, found none; put the MNIST test files there");
}

std::filesystem::path checked_folder(const std::filesystem::path& folder, const std::string& origin) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(folder, ignored)) {
        throw Error(origin + ": expected a folder with the MNIST files, found no folder at '" +
                    folder.string() + "'; correct the path, or leave it out to use the shipped digits");
    }
    return folder;
}

}  // namespace

namespace {

IdxImages read_images(ByteReader& reader, std::size_t most) {
    read_magic(reader, 0x00000803, "images");
    IdxImages images;
    images.count = read_length(reader, "a number of images", most);
    images.rows = read_length(reader, "a number of rows", maximum_side);
    images.columns = read_length(reader, "a number of columns", maximum_side);
    if (images.count > maximum_bytes / images.image_size()) {
        reader.fail(4, "at most " + std::to_string(maximum_bytes) + " pixels",
                    std::to_string(images.count) + " x " + std::to_string(images.rows) + " x " +
                        std::to_string(images.columns),
                    "split the file");
    }
    images.pixels = read_rest(reader, images.count * images.image_size());
    return images;
}

}  // namespace

IdxImages read_idx_images(const std::filesystem::path& file) {
    ByteReader reader(file);
    return read_images(reader, maximum_items);
}

IdxImages read_idx_images(std::span<const std::uint8_t> bytes, const std::string& name, std::size_t most) {
    ByteReader reader(bytes, name);
    return read_images(reader, std::min(most, maximum_items));
}

std::vector<std::uint8_t> read_idx_labels(const std::filesystem::path& file) {
    ByteReader reader(file);
    read_magic(reader, 0x00000801, "labels");
    const std::size_t count = read_length(reader, "a number of labels", maximum_items);
    return read_rest(reader, count);
}

LabelledImages read_digits(const std::filesystem::path& folder) {
    const std::filesystem::path images_file = find_file(folder, "images-idx3-ubyte");
    const std::filesystem::path labels_file = find_file(folder, "labels-idx1-ubyte");
    LabelledImages digits{read_idx_images(images_file), read_idx_labels(labels_file)};
    if (digits.labels.size() != digits.images.count) {
        throw Error(labels_file.string() + ": expected " + std::to_string(digits.images.count) +
                    " labels, as many as there are images, found " + std::to_string(digits.labels.size()) +
                    "; give files that belong together");
    }
    return digits;
}

std::optional<std::filesystem::path> find_mnist(const std::optional<std::filesystem::path>& option) {
    if (option) {
        return checked_folder(*option, "--mnist");
    }
    if (const char* variable = std::getenv("LACUNA_MNIST"); variable != nullptr && *variable != '\0') {
        return checked_folder(variable, "LACUNA_MNIST");
    }
    const std::filesystem::path here = std::filesystem::path("data") / "mnist";
    std::error_code ignored;
    if (std::filesystem::is_directory(here, ignored)) {
        return here;
    }
    return std::nullopt;
}

}  // namespace lacuna
