// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/bit_packing.h>

#include <bit>
#include <cassert>
#include <cstring>

namespace lacuna {

static_assert(std::endian::native == std::endian::little, "packed words are little-endian");

void pack_bits(std::span<const std::uint64_t> words, int bits, std::span<std::uint8_t> bytes) {
    assert(bits >= 1 && bits <= 63 && bytes.size() == packed_bytes(words.size(), bits));
    std::uint8_t* out = bytes.data();
    std::uint64_t pending = 0;
    int filled = 0;  // bits of `pending`, below 64
    for (const std::uint64_t word : words) {
        assert(word >> bits == 0);
        pending |= word << filled;
        filled += bits;
        if (filled >= 64) {
            std::memcpy(out, &pending, sizeof pending);
            out += sizeof pending;
            filled -= 64;
            pending = word >> (bits - filled);
        }
    }
    std::memcpy(out, &pending, static_cast<std::size_t>(bytes.data() + bytes.size() - out));
}

bool unpack_bits(std::span<const std::uint8_t> bytes, int bits, std::span<std::uint64_t> words) {
    assert(bits >= 1 && bits <= 63 && bytes.size() == packed_bytes(words.size(), bits));
    const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
    const std::uint8_t* in = bytes.data();
    std::size_t left = bytes.size();
    std::uint64_t pending = 0;
    int filled = 0;  // unread bits of `pending`, below 64
    for (std::uint64_t& word : words) {
        word = pending;
        if (filled >= bits) {
            pending >>= bits;
            filled -= bits;
        } else {
            std::uint64_t next = 0;
            const std::size_t taken = left < sizeof next ? left : sizeof next;
            std::memcpy(&next, in, taken);
            in += taken;
            left -= taken;
            word |= next << filled;
            const int used = bits - filled;  // 1 ... 63
            pending = next >> used;
            filled = 64 - used;
        }
        word &= mask;
    }
    // A last, partly filled load has zeros above its bytes, so whatever is left over must be zero.
    return pending == 0;
}

}  // namespace lacuna
