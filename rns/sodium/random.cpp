// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/random.h>

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include <sodium/crypto_stream_chacha20.h>
#include <sodium/utils.h>

#include <lacuna/ntt/error.h>

namespace lacuna {

static_assert(std::endian::native == std::endian::little, "streams and files are little-endian");

namespace {

constexpr std::size_t block_words = 8;

/// Every seed comes from the system itself, a browser's crypto.getRandomValues() among them, so that no state
/// here links two of them.
Seed system_seed() {
    Seed seed;
    if (::getentropy(seed.data(), seed.size()) != 0) {
        throw Error("randomness: the system's generator gave none; use a browser or system that offers one");
    }
    return seed;
}

}  // namespace

Seed public_seed() {
    return system_seed();
}

Seed private_seed() {
    return system_seed();
}

/// A key stream that can stop within a block.
struct RandomStream::Cipher {
    Seed key{};
    std::array<std::uint8_t, crypto_stream_chacha20_ietf_NONCEBYTES> nonce{};
    std::uint32_t next_block = 0;
    std::array<std::uint64_t, block_words> block{};
    std::size_t left = 0;  ///< words at the block's end that nobody has got

    Cipher() = default;
    Cipher(const Cipher&) = delete;
    Cipher& operator=(const Cipher&) = delete;
    ~Cipher() {
        sodium_memzero(key.data(), key.size());
        sodium_memzero(block.data(), sizeof block);
    }

    /// Whole blocks only.
    void write(std::span<std::uint64_t> words) {
        auto* bytes = reinterpret_cast<unsigned char*>(words.data());
        std::memset(bytes, 0, words.size_bytes());
        crypto_stream_chacha20_ietf_xor_ic(bytes, bytes, words.size_bytes(), nonce.data(), next_block,
                                           key.data());
        next_block += static_cast<std::uint32_t>(words.size() / block_words);
    }
    std::span<std::uint64_t> take(std::span<std::uint64_t> words) {
        const std::size_t count = std::min(left, words.size());
        std::copy_n(block.end() - static_cast<std::ptrdiff_t>(left), count, words.begin());
        left -= count;
        return words.subspan(count);
    }
};

RandomStream::RandomStream(const Seed& seed, std::uint64_t number) : cipher_(std::make_unique<Cipher>()) {
    cipher_->key = seed;
    std::memcpy(cipher_->nonce.data() + 4, &number, sizeof number);
}

RandomStream RandomStream::secret() {
    struct Forgotten {
        Seed seed = private_seed();
        ~Forgotten() { sodium_memzero(seed.data(), seed.size()); }
    };
    return RandomStream(Forgotten().seed, 0);
}

RandomStream::~RandomStream() = default;
RandomStream::RandomStream(RandomStream&&) noexcept = default;
RandomStream& RandomStream::operator=(RandomStream&&) noexcept = default;

void RandomStream::fill(std::span<std::uint64_t> words) {
    words = cipher_->take(words);
    const std::size_t whole = words.size() / block_words * block_words;
    if (whole != 0) {
        cipher_->write(words.first(whole));
        words = words.subspan(whole);
    }
    if (!words.empty()) {
        cipher_->write(cipher_->block);
        cipher_->left = block_words;
        cipher_->take(words);
    }
}

}  // namespace lacuna
