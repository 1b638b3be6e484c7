// SPDX-License-Identifier: Apache-2.0
#include "tools/terminal_text.h"

#include <array>
#include <cstdint>

namespace lacuna {

namespace {

/// A code point and its length in bytes; length 0 where the bytes are no UTF-8 (RFC 3629).
struct Character {
    std::uint32_t code = 0;
    std::size_t bytes = 0;
};

Character first_character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead = byte(0);
    const std::size_t bytes = lead < 0x80             ? 1
                              : (lead & 0xe0) == 0xc0 ? 2
                              : (lead & 0xf0) == 0xe0 ? 3
                              : (lead & 0xf8) == 0xf0 ? 4
                                                      : 0;
    if (bytes == 0 || bytes > text.size()) {
        return {};
    }
    constexpr std::array<std::uint32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};  // shorter forms are none
    std::uint32_t code = bytes == 1 ? lead : lead & (0x7fU >> bytes);
    for (std::size_t i = 1; i < bytes; ++i) {
        if ((byte(i) & 0xc0) != 0x80) {
            return {};
        }
        code = code << 6 | (byte(i) & 0x3fU);
    }
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    return code < least[bytes] || surrogate || code > 0x10ffff ? Character{} : Character{code, bytes};
}

bool is_harmless(std::uint32_t code) {
    const auto within = [code](std::uint32_t first, std::uint32_t last) {
        return code >= first && code <= last;
    };
    return !(within(0, 0x1f) || within(0x7f, 0x9f) || code == 0xad || code == 0x61c || code == 0x180e ||
             within(0x200b, 0x200f) || within(0x2028, 0x202e) || within(0x2060, 0x206f) || code == 0xfeff ||
             within(0xfff0, 0xfffb) || within(0xe0000, 0xe0fff));
}

void append_escaped(std::string& shown, std::string_view bytes) {
    constexpr const char* digits = "0123456789abcdef";
    for (const char c : bytes) {
        const auto byte = static_cast<std::uint8_t>(c);
        shown += "\\x";
        shown += digits[byte >> 4];
        shown += digits[byte & 15];
    }
}

std::string escaped(std::string_view text) {
    std::string shown;
    while (!text.empty()) {
        const Character character = first_character(text);
        const std::size_t bytes = character.bytes == 0 ? 1 : character.bytes;
        if (character.bytes != 0 && is_harmless(character.code)) {
            shown += text.substr(0, bytes);
        } else {
            append_escaped(shown, text.substr(0, bytes));
        }
        text.remove_prefix(bytes);
    }
    return shown;
}

/// At most so many bytes from the front, and no part of a character at the end.
std::string_view front(std::string_view text, std::size_t bytes) {
    while (bytes > 0 && bytes < text.size() && (static_cast<std::uint8_t>(text[bytes]) & 0xc0) == 0x80) {
        --bytes;
    }
    return text.substr(0, bytes);
}

}  // namespace

std::string terminal_text(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) {
        return escaped(text);
    }
    // The front says what it is about, the end of a message what to do.
    const std::string_view head = front(text, limit - limit / 3);
    const std::size_t rest = text.size() - front(text, text.size() - limit / 3).size();
    return escaped(head) + " ... [" + std::to_string(text.size() - head.size() - rest) +
           " bytes left out] ... " + escaped(text.substr(text.size() - rest));
}

}  // namespace lacuna
