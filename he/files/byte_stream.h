// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ostream>
#include <streambuf>
#include <vector>

namespace lacuna {

/// A stream into memory, for whatever else would be written to a file; Source reads such bytes again. The
/// bytes are ordinary memory, which nobody wipes: not for secret keys.
class ByteStream : public std::ostream {
  public:
    ByteStream() : std::ostream(nullptr) { rdbuf(&buffer_); }

    [[nodiscard]] const std::vector<std::uint8_t>& bytes() const { return buffer_.bytes; }
    /// Hands the bytes over and starts anew.
    [[nodiscard]] std::vector<std::uint8_t> take();

  private:
    struct Bytes : std::streambuf {
        std::vector<std::uint8_t> bytes;

      protected:
        int_type overflow(int_type character) override;
        std::streamsize xsputn(const char* text, std::streamsize count) override;
    };

    Bytes buffer_;
};

}  // namespace lacuna
