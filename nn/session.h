// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "he/context.h"
#include "he/encryptor.h"
#include "he/evaluation_keys.h"
#include "he/evaluator.h"
#include "he/sparse_product.h"
#include "nn/encrypted_tensor.h"
#include "nn/model.h"
#include "nn/plan.h"
#include "nn/run_control.h"

namespace lacuna {

/// The side that holds the model: a loaded model, its plan and one client's evaluation keys. It never touches
/// a secret key. Immutable once built and safe to use from several threads; each call needs memory for its
/// own request only.
class Session {
  public:
    /// Throws Error where model, plan and keys do not belong together.
    Session(const Model& model, const Plan& plan, EvaluationKeys keys);
    /// The same for a context built before, so that many clients' sessions share it: made from the plan's
    /// parameters, or it is refused.
    Session(const Model& model, const Plan& plan, std::shared_ptr<const Context> context,
            EvaluationKeys keys);

    [[nodiscard]] const Plan& plan() const { return plan_; }
    [[nodiscard]] const Context& context() const { return *context_; }

    /// Touches the memory that one request needs and leaves it with the library for reuse, so that the first
    /// request is as quick as those after it. For servers; results do not depend on it.
    void reserve(const RunControl& control = {}) const;

    /// Encrypted images to encrypted logits, as the plan says. The input is consumed modulus by modulus.
    /// `observe`, where given, sees every modulus's ciphertexts after every step (tests and demos measure
    /// noise with it). Throws Error for a request that does not fit the plan
    /// or in which two ciphertexts share their randomness (UploadMasks), Stopped where asked to stop.
    using Observer = std::function<void(const PlanStep&, const std::vector<Ciphertext>&)>;
    [[nodiscard]] EncryptedTensor infer(SeededTensor input, const RunControl& control = {},
                                        const Observer& observe = {}) const;
    /// The same for images encrypted with the public key; the plan must have room for that.
    [[nodiscard]] EncryptedTensor infer(EncryptedTensor input, const RunControl& control = {},
                                        const Observer& observe = {}) const;

  private:
    using Ciphertexts = std::vector<Ciphertext>;

    template <typename Tensor>
    [[nodiscard]] EncryptedTensor run(Tensor input, const RunControl& control, const Observer& observe) const;
    [[nodiscard]] SparseProduct compile_linear(const Model& model, std::size_t layer, const Shape& input,
                                               const Modulus& t, std::uint64_t factor) const;
    [[nodiscard]] Ciphertext activate(Ciphertext x, const PlanStep& step, std::uint64_t factor) const;
    [[nodiscard]] Ciphertext weighted(Ciphertext x, const std::vector<Monomial>& weight) const;
    [[nodiscard]] std::vector<Monomial> encode_integer(const mpz_class& value, const Modulus& t) const;
    /// The same times the factor that the values it is added to carry.
    [[nodiscard]] std::vector<Monomial> encode_constant(const mpz_class& value, const Modulus& t,
                                                        std::uint64_t factor) const;

    Plan plan_;
    std::shared_ptr<const Context> context_;
    std::unique_ptr<const EvaluationKeys> keys_;  // at one address: encryptor_ points to its public key
    Evaluator evaluator_;
    std::optional<Encryptor> encryptor_;                               // of zero, for flooding
    std::vector<std::vector<std::optional<SparseProduct>>> products_;  // [plaintext modulus][layer]
    std::vector<std::vector<std::uint64_t>> factors_;                  // [modulus][step]: see value_factors
    std::vector<std::vector<mpz_class>> activations_;                  // [layer]: coefficients, or empty
    std::optional<SparseProduct> join_;
};

}  // namespace lacuna
