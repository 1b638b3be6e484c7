// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/random.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <lacuna/ntt/error.h>

namespace lacuna {

static_assert(std::endian::native == std::endian::little, "streams and files are little-endian");

namespace {

void check_generator(int status) {
    if (status != 1) {
        throw Error("randomness: the operating system's generator gave none; check that /dev/urandom works");
    }
}

}  // namespace

Seed public_seed() {
    Seed seed;
    check_generator(RAND_bytes(seed.data(), static_cast<int>(seed.size())));
    return seed;
}

Seed private_seed() {
    Seed seed;
    check_generator(RAND_priv_bytes(seed.data(), static_cast<int>(seed.size())));
    return seed;
}

struct RandomStream::Cipher {
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();

    Cipher() = default;
    Cipher(const Cipher&) = delete;
    Cipher& operator=(const Cipher&) = delete;
    ~Cipher() { EVP_CIPHER_CTX_free(context); }  // cleanses the key
};

RandomStream::RandomStream(const Seed& seed, std::uint64_t number) : cipher_(std::make_unique<Cipher>()) {
    // Looked up once: a fetch by name costs more than a short stream.
    static EVP_CIPHER* const chacha20 = EVP_CIPHER_fetch(nullptr, "ChaCha20", nullptr);
    // OpenSSL's 16-byte IV is the 32-bit block counter followed by RFC 8439's 96-bit nonce.
    std::array<unsigned char, 16> iv{};
    std::memcpy(iv.data() + 8, &number, sizeof number);
    if (chacha20 == nullptr || cipher_->context == nullptr ||
        EVP_EncryptInit_ex2(cipher_->context, chacha20, seed.data(), iv.data(), nullptr) != 1) {
        throw Error("randomness: OpenSSL's libcrypto offers no ChaCha20; install a build that includes it");
    }
}

RandomStream RandomStream::secret() {
    struct Forgotten {
        Seed seed = private_seed();
        ~Forgotten() { OPENSSL_cleanse(seed.data(), seed.size()); }
    };
    return RandomStream(Forgotten().seed, 0);
}

RandomStream::~RandomStream() = default;
RandomStream::RandomStream(RandomStream&&) noexcept = default;
RandomStream& RandomStream::operator=(RandomStream&&) noexcept = default;

void RandomStream::fill(std::span<std::uint64_t> words) {
    constexpr std::size_t words_per_call = std::size_t{1} << 20;
    std::memset(words.data(), 0, words.size_bytes());
    while (!words.empty()) {
        const auto chunk = words.first(std::min(words.size(), words_per_call));
        auto* bytes = reinterpret_cast<unsigned char*>(chunk.data());
        int written = 0;
        if (EVP_EncryptUpdate(cipher_->context, bytes, &written, bytes,
                              static_cast<int>(chunk.size_bytes())) != 1 ||
            static_cast<std::size_t>(written) != chunk.size_bytes()) {
            throw Error("randomness: ChaCha20 failed in OpenSSL's libcrypto");
        }
        words = words.subspan(chunk.size());
    }
}

}  // namespace lacuna
