// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/sha256.h>

#include <sodium/crypto_hash_sha256.h>
#include <sodium/utils.h>

namespace lacuna {

struct Sha256::State {
    crypto_hash_sha256_state context{};

    State() { crypto_hash_sha256_init(&context); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { sodium_memzero(&context, sizeof context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::uint8_t> bytes) {
    crypto_hash_sha256_update(&state_->context, bytes.data(), bytes.size());
}

Sha256::Value Sha256::value() {
    Value value{};
    crypto_hash_sha256_final(&state_->context, value.data());
    return value;
}

}  // namespace lacuna
