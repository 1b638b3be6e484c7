// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/byte_stream.h>

#include <utility>

namespace lacuna {

std::vector<std::uint8_t> ByteStream::take() {
    return std::exchange(buffer_.bytes, {});
}

ByteStream::Bytes::int_type ByteStream::Bytes::overflow(int_type character) {
    if (!traits_type::eq_int_type(character, traits_type::eof())) {
        bytes.push_back(static_cast<std::uint8_t>(traits_type::to_char_type(character)));
    }
    return traits_type::not_eof(character);
}

std::streamsize ByteStream::Bytes::xsputn(const char* text, std::streamsize count) {
    const auto* const begin = reinterpret_cast<const std::uint8_t*>(text);
    bytes.insert(bytes.end(), begin, begin + count);
    return count;
}

}  // namespace lacuna
