// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/fv/binomial_encoder.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/rlwe/evaluation_keys.h>
#include <lacuna/he/rlwe/key_generator.h>
#include <lacuna/nn/client/client_plan.h>
#include <lacuna/nn/client/encrypted_tensor.h>
#include <lacuna/nn/run_control.h>

namespace lacuna {

/// The side that holds the secret: makes keys, encrypts images, decrypts replies. It works from the client's
/// half of a plan alone; it never sees the model.
class Client {
  public:
    /// With a fresh secret key.
    explicit Client(const ClientPlan& plan);
    /// With an existing one. Throws Error where it belongs to other parameters.
    Client(const ClientPlan& plan, SecretKey secret);

    [[nodiscard]] const ClientPlan& plan() const { return plan_; }
    [[nodiscard]] const Context& context() const { return context_; }
    [[nodiscard]] const SecretKey& secret_key() const { return generator_.secret_key(); }

    /// Everything the server needs, and nothing secret.
    [[nodiscard]] EvaluationKeys evaluation_keys(int threads = 1) const;

    /// A fresh public key, for whoever shall encrypt to this client or re-randomise for it.
    [[nodiscard]] PublicKey public_key() const { return generator_.public_key(); }

    /// pixels: 1 ... plan().batch images one after another, each input_shape.size() bytes, channel-major.
    /// Throws Error for another number.
    [[nodiscard]] SeededTensor encrypt(std::span<const std::uint8_t> pixels,
                                       const RunControl& control = {}) const;

    /// The logits of every image of a reply: result[image][class], exact integers.
    [[nodiscard]] std::vector<std::vector<mpz_class>> decrypt(const EncryptedTensor& reply,
                                                              const RunControl& control = {}) const;
    /// The smallest noise budget of a tensor's ciphertexts, in bits. Never to be shown to whoever made them.
    [[nodiscard]] double noise_budget(const EncryptedTensor& tensor) const;

  private:
    void check(const EncryptedTensor& reply) const;
    [[nodiscard]] std::vector<std::vector<mpz_class>> decrypt_binomial(const EncryptedTensor& reply,
                                                                       const RunControl& control) const;
    template <typename Rules>
    [[nodiscard]] std::vector<std::vector<mpz_class>> decrypt_as(const EncryptedTensor& reply,
                                                                 const RunControl& control) const;

    ClientPlan plan_;
    Context context_;
    KeyGenerator generator_;
    std::unique_ptr<const BinomialEncoder> encoder_;  // modulo a binomial
};

/// Images encrypted by someone who has the client's public key and no secret, as Client::encrypt() takes
/// them. The ciphertexts are of full size. Throws Error where the plan has no room for public-key encryption.
[[nodiscard]] EncryptedTensor encrypt_public(const ClientPlan& plan, const Context& context,
                                             const PublicKey& key, std::span<const std::uint8_t> pixels,
                                             const RunControl& control = {});

}  // namespace lacuna
