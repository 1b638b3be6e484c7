// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include <lacuna/he/evaluation/evaluator.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/encryptor.h>
#include <lacuna/he/rlwe/evaluation_keys.h>
#include <lacuna/nn/client/encrypted_tensor.h>
#include <lacuna/nn/client/upload_masks.h>
#include <lacuna/nn/model/model.h>
#include <lacuna/nn/plan/plan.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/nn/server/layer_kernel.h>
#include <lacuna/nn/server/model_part.h>
#include <lacuna/nn/server/reply_mask.h>

namespace lacuna {

/// A model compiled for a plan, once, to serve any number of clients: each request brings its keys. Immutable
/// and safe to use from several threads; each call needs memory for its own request only. It never touches a
/// secret key. Share it through std::shared_ptr.
class CompiledModel {
  public:
    /// Throws Error where model and plan do not belong together.
    CompiledModel(const Model& model, const Plan& plan);
    /// The same for a context built before, which it shares; the helper primes of products are its own.
    CompiledModel(const Model& model, const Plan& plan, Context context);
    /// One rank's part of it, for infer_part() alone: what the others compute takes no memory here.
    CompiledModel(const Model& model, const Plan& plan, Context context, ModelPart part);

    [[nodiscard]] const Plan& plan() const { return plan_; }
    [[nodiscard]] const Context& context() const { return context_; }

    /// Throws Error where a client's keys do not belong to the plan, or lack one that it needs. Every call
    /// below does so too.
    void check(const EvaluationKeys& keys) const;

    /// Memory that prepared diagonals and biases modulo a binomial take.
    [[nodiscard]] std::size_t prepared_bytes() const { return prepared_bytes_; }

    /// Touches the memory that one request needs and leaves it with the library for reuse, so that the first
    /// request is as quick as those after it. For servers; results do not depend on it.
    void reserve(const RunControl& control = {}) const;

    /// Sees every modulus's ciphertexts after every step of the plan (tests and demos measure noise with it).
    using Observer = std::function<void(const PlanStep&, const std::vector<Ciphertext>&)>;

    /// Encrypted images to encrypted logits, as the plan says. The input is consumed modulus by modulus.
    /// Throws Error for a request that does not fit the plan, Stopped where asked to stop.
    [[nodiscard]] EncryptedTensor infer(const EvaluationKeys& keys, SeededTensor input,
                                        const RunControl& control = {}, const Observer& observe = {}) const;
    /// The same for images encrypted with the public key; the plan must have room for that.
    [[nodiscard]] EncryptedTensor infer(const EvaluationKeys& keys, EncryptedTensor input,
                                        const RunControl& control = {}, const Observer& observe = {}) const;

    /// One plaintext modulus's share of infer(), for servers that share a request out: input is residues[m]
    /// of the request's tensor, the result residues[m] of the reply's, whatever happens to the others.
    [[nodiscard]] std::vector<Ciphertext> infer_modulus(const EvaluationKeys& keys, std::size_t m,
                                                        std::vector<SeededCiphertext> input,
                                                        const RunControl& control = {},
                                                        const Observer& observe = {}) const;
    [[nodiscard]] std::vector<Ciphertext> infer_modulus(const EvaluationKeys& keys, std::size_t m,
                                                        std::vector<Ciphertext> input,
                                                        const RunControl& control = {},
                                                        const Observer& observe = {}) const;

    /// This rank's part of infer_modulus(): input is what ModelPart::inputs() names of residues[m] of the
    /// request's tensor (of one set of it in the packed packing), the result what the last line of the
    /// division leaves here. All ranks of the lane call it together, for the same m.
    [[nodiscard]] std::vector<Ciphertext> infer_part(const EvaluationKeys& keys, std::size_t m,
                                                     std::vector<SeededCiphertext> input,
                                                     const Exchange& exchange,
                                                     const RunControl& control = {}) const;
    [[nodiscard]] std::vector<Ciphertext> infer_part(const EvaluationKeys& keys, std::size_t m,
                                                     std::vector<Ciphertext> input, const Exchange& exchange,
                                                     const RunControl& control = {}) const;

  private:
    using Ciphertexts = std::vector<Ciphertext>;
    using Powers = std::array<std::optional<Ciphertext>, ModelLimits::degree + 1>;  // [i]: x^i

    /// An activation's coefficients as the packing encodes them, the constant as the values carry it.
    struct Polynomial {
        std::vector<std::vector<Monomial>> weights;  // [i]: of x^i; [0]: none
        /// None for 0: one of every value, or, where it is not the same for all of them, of each.
        std::vector<std::optional<Plaintext>> constants;

        [[nodiscard]] const Plaintext* constant(std::size_t value) const {
            if (constants.empty()) {
                return nullptr;
            }
            const auto& plaintext = constants[constants.size() == 1 ? 0 : value];
            return plaintext ? &*plaintext : nullptr;
        }
    };
    /// What a step of the program needs beside what it says itself.
    using Operand = std::variant<std::monostate, LayerKernel, Polynomial, ReplyMask>;

    /// How far a run has come.
    struct Position {
        double done = 0;
        double total = 1;
    };
    struct Request;  // what all of one shares

    void compile(const Model& model);
    void compile_binomial(const Model& model);
    void compile_packed(const Model& model);
    [[nodiscard]] Polynomial packed_polynomial(const Activation& activation, const BinomialEncoder& encoder,
                                               const PackedNetwork& network, std::size_t entry) const;
    [[nodiscard]] Polynomial polynomial(const Activation& activation, const Modulus& t,
                                        std::uint64_t factor) const;
    [[nodiscard]] Polynomial binomial_polynomial(const Activation& activation, const mpz_class& factor) const;
    void check_public_encryption() const;
    template <typename Tensor>
    void check_layout(const Tensor& input) const;
    template <typename Encrypted>
    void check_residues(std::size_t m, const std::vector<Encrypted>& input, UploadMasks& masks) const;
    [[nodiscard]] Request request_of(const EvaluationKeys& keys, const RunControl& control,
                                     const Observer& observe, const Exchange* exchange = nullptr) const;
    void compile_model(const Model& model);
    template <typename Tensor>
    [[nodiscard]] EncryptedTensor run(const EvaluationKeys& keys, Tensor input, const RunControl& control,
                                      const Observer& observe) const;
    template <typename Encrypted>
    [[nodiscard]] Ciphertexts run_alone(const EvaluationKeys& keys, std::size_t m,
                                        std::vector<Encrypted> input, const RunControl& control,
                                        const Observer& observe) const;
    template <typename Encrypted>
    [[nodiscard]] Ciphertexts run_part(const EvaluationKeys& keys, std::size_t m,
                                       std::vector<Encrypted> input, const Exchange& exchange,
                                       const RunControl& control) const;
    template <typename Encrypted>
    [[nodiscard]] Ciphertexts run_modulus(const Request& request, std::size_t m, std::vector<Encrypted> input,
                                          Position& position) const;
    void run_line(const Request& request, std::size_t m, const PlanStep& line, Ciphertexts& values,
                  const Position& position) const;
    /// A line of which this rank computes a part.
    void run_shared_line(const Request& request, std::size_t m, std::size_t line, Ciphertexts& values) const;
    /// One value of a line; index: which.
    [[nodiscard]] Ciphertext run_element(const Request& request, std::size_t m, const PlanStep& line,
                                         Ciphertext x, std::size_t index) const;
    /// The sets of ciphertexts of the packed packing, each with values of its own.
    [[nodiscard]] Ciphertexts run_sets(const Request& request, Ciphertexts values,
                                       const Position& position) const;
    void run_lines(const Request& request, std::size_t m, Ciphertexts& values, Position& position) const;
    [[nodiscard]] Ciphertext multiply(const ProductStep& product, Powers& powers) const;
    [[nodiscard]] Ciphertext add_up(const Polynomial& polynomial, const Step& step, Powers& powers,
                                    std::size_t index) const;
    [[nodiscard]] Ciphertext weighted(Ciphertext x, const std::vector<Monomial>& weight) const;

    Plan plan_;
    Context context_;
    Evaluator evaluator_;
    std::optional<ModelPart> part_;
    /// [plaintext modulus][step of the program]; nothing where another rank computes it.
    std::vector<std::vector<Operand>> operands_;
    std::size_t prepared_bytes_ = 0;
};

}  // namespace lacuna
