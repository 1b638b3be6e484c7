// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <streambuf>
#include <string>

#include <lacuna/ntt/buffer.h>

namespace lacuna {

/// A stream buffer over a POSIX file descriptor, which it owns, for either reading or writing. Unlike
/// std::filebuf it zeroes its memory when it dies, and it throws Error, which names the file and the system's
/// reason, where reading or writing fails.
class FileBuffer : public std::streambuf {
  public:
    enum class Mode : bool { read, write };

    FileBuffer(int descriptor, Mode mode, std::string name);
    ~FileBuffer() override;
    FileBuffer(const FileBuffer&) = delete;
    FileBuffer& operator=(const FileBuffer&) = delete;

    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// Writes what is buffered and waits until the device has it. Throws Error.
    void synchronise();
    /// Bytes that the system has taken.
    [[nodiscard]] std::uint64_t written() const { return written_; }

  protected:
    int_type underflow() override;
    int_type overflow(int_type character) override;
    int sync() override;

  private:
    void write_pending();

    int descriptor_;
    Mode mode_;
    std::string name_;
    Buffer words_;
    std::uint64_t written_ = 0;
};

}  // namespace lacuna
