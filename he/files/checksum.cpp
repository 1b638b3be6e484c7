// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/checksum.h>

#include <algorithm>

#include <openssl/evp.h>

#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

void check(bool success) {
    if (!success) {
        throw Error("checksum: SHA-256 failed in OpenSSL's libcrypto; install a build that includes it");
    }
}

}  // namespace

struct Checksum::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { EVP_MD_CTX_free(context); }  // cleanses what it has seen of a secret
};

Checksum::Checksum() : state_(std::make_unique<State>()) {
    // Looked up once: a fetch by name costs more than a short digest.
    static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    check(sha256 != nullptr && state_->context != nullptr &&
          EVP_DigestInit_ex2(state_->context, sha256, nullptr) == 1);
}

Checksum::~Checksum() = default;
Checksum::Checksum(Checksum&&) noexcept = default;
Checksum& Checksum::operator=(Checksum&&) noexcept = default;

void Checksum::update(std::span<const std::uint8_t> bytes) {
    check(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

Digest Checksum::value() {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
    check(EVP_DigestFinal_ex(state_->context, digest.data(), nullptr) == 1);
    Digest value;
    std::copy_n(digest.begin(), value.size(), value.begin());
    return value;
}

}  // namespace lacuna
