// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/sha256.h>

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

struct Sha256::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { EVP_MD_CTX_free(context); }  // cleanses what it has seen of a secret
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
    // Looked up once: a fetch by name costs more than a short digest.
    static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    check(sha256 != nullptr && state_->context != nullptr &&
          EVP_DigestInit_ex2(state_->context, sha256, nullptr) == 1);
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::uint8_t> bytes) {
    check(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

Sha256::Value Sha256::value() {
    Value value{};
    check(EVP_DigestFinal_ex(state_->context, value.data(), nullptr) == 1);
    return value;
}

}  // namespace lacuna
