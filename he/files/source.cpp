// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/source.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <lacuna/he/files/file_buffer.h>
#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

/// Reads memory that someone else owns.
class MemoryBuffer : public std::streambuf {
  public:
    explicit MemoryBuffer(std::span<const std::uint8_t> bytes) {
        // The interface of std::streambuf wants mutable characters; nothing writes to them.
        char* begin = const_cast<char*>(reinterpret_cast<const char*>(bytes.data()));
        setg(begin, begin, begin + bytes.size());
    }
};

}  // namespace

Source::Source(std::istream& stream, std::string name) : buffer_(stream.rdbuf()), name_(std::move(name)) {
    if (!stream || buffer_ == nullptr) {
        throw Error(name_ +
                    ": cannot read: the stream is not in a good state; check that it could be opened");
    }
}

Source::Source(std::span<const std::uint8_t> bytes, std::string name)
    : owned_(std::make_unique<MemoryBuffer>(bytes)),
      buffer_(owned_.get()),
      name_(std::move(name)),
      size_(bytes.size()) {}

Source::Source(const std::filesystem::path& file) : buffer_(nullptr), name_(file.string()) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        throw Error(name_ + ": cannot open: " + std::strerror(errno) +
                    "; check the path and its permissions");
    }
    owned_ = std::make_unique<FileBuffer>(descriptor, FileBuffer::Mode::read, name_);
    buffer_ = owned_.get();
    struct stat status {};
    if (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) {
        size_ = static_cast<std::uint64_t>(status.st_size);
    }
}

Source::~Source() = default;
Source::Source(Source&&) noexcept = default;
Source& Source::operator=(Source&&) noexcept = default;

std::optional<std::uint64_t> Source::remaining() const {
    if (!size_) {
        return std::nullopt;
    }
    return *size_ > offset_ ? *size_ - offset_ : 0;
}

std::size_t Source::read_some(std::span<std::uint8_t> bytes) {
    const auto count = static_cast<std::size_t>(
        buffer_->sgetn(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())));
    offset_ += count;
    return count;
}

void Source::read(std::span<std::uint8_t> bytes, const char* what) {
    const std::uint64_t start = offset_;
    const std::size_t count = read_some(bytes);
    if (count != bytes.size()) {
        fail(start, std::to_string(bytes.size()) + " bytes of " + what,
             "the end after " + std::to_string(count), "the data is cut off; fetch or write it again");
    }
}

bool Source::at_end() {
    return std::streambuf::traits_type::eq_int_type(buffer_->sgetc(), EOF);
}

void Source::expect_end() {
    if (!at_end()) {
        fail(offset_, "the end", "more bytes", "something was appended; fetch or write the data again");
    }
}

void Source::fail(std::uint64_t offset, const std::string& expected, const std::string& found,
                  const std::string& advice) const {
    throw Error(name_ + ": offset " + std::to_string(offset) + ": expected " + expected + ", found " + found +
                "; " + advice);
}

}  // namespace lacuna
