// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/file_buffer.h>

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

constexpr std::size_t buffer_words = 8192;

char* characters(Buffer& words) {
    return reinterpret_cast<char*>(words.data());
}

}  // namespace

FileBuffer::FileBuffer(int descriptor, Mode mode, std::string name)
    : descriptor_(descriptor), mode_(mode), name_(std::move(name)), words_(buffer_words, Secrecy::secret) {
    if (mode_ == Mode::write) {
        setp(characters(words_), characters(words_) + buffer_words * sizeof(std::uint64_t));
    }
}

FileBuffer::~FileBuffer() {
    ::close(descriptor_);
}

void FileBuffer::synchronise() {
    write_pending();
    if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != ENOTSUP) {
        throw Error(name_ + ": cannot write: " + std::strerror(errno) + "; check the disk");
    }
}

FileBuffer::int_type FileBuffer::underflow() {
    if (mode_ != Mode::read) {
        return traits_type::eof();
    }
    ssize_t count = 0;
    do {
        count = ::read(descriptor_, words_.data(), buffer_words * sizeof(std::uint64_t));
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        throw Error(name_ + ": cannot read: " + std::strerror(errno) + "; check that it is a readable file");
    }
    setg(characters(words_), characters(words_), characters(words_) + count);
    return count == 0 ? traits_type::eof() : traits_type::to_int_type(*gptr());
}

FileBuffer::int_type FileBuffer::overflow(int_type character) {
    if (mode_ != Mode::write) {
        return traits_type::eof();
    }
    write_pending();
    if (!traits_type::eq_int_type(character, traits_type::eof())) {
        *pptr() = traits_type::to_char_type(character);
        pbump(1);
    }
    return traits_type::not_eof(character);
}

int FileBuffer::sync() {
    if (mode_ == Mode::write) {
        write_pending();
    }
    return 0;
}

void FileBuffer::write_pending() {
    const char* next = pbase();
    const char* end = pptr();
    setp(pbase(), epptr());
    while (next != end) {
        const ssize_t count = ::write(descriptor_, next, static_cast<std::size_t>(end - next));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            throw Error(name_ + ": cannot write: " + std::strerror(errno) +
                        "; free some space or choose another place");
        }
        next += count;
        written_ += static_cast<std::uint64_t>(count);
    }
}

}  // namespace lacuna
