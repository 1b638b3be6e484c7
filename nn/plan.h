// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <gmpxx.h>

#include "he/parameters.h"
#include "nn/encrypted_tensor.h"
#include "nn/model.h"
#include "nn/operations.h"

namespace lacuna {

/// The client's half of a plan: all that key generation, encryption and decryption need. It names no weight
/// and counts no operation, so it says nothing of the model but its input, its number of logits, their range
/// (by the plaintext moduli), the size of the work and, by the reply's factors and the primes, how many
/// multiplications follow each other.
struct ClientPlan {
    std::string model;      ///< its name
    Parameters parameters;  ///< resolved: every prime and plaintext modulus by value
    Packing packing = Packing::slots;
    Shape input_shape;
    std::vector<int> thresholds;  ///< input quantisation, as in Model
    std::size_t classes = 0;
    double output_scale = 1.0;
    std::size_t batch = 1;   ///< images a request holds: 1 ... batch
    bool relin_keys = true;  ///< which evaluation keys the server needs
    std::vector<std::uint32_t> galois_elements;
    bool public_key = false;         ///< to re-randomise the reply
    bool public_encryption = false;  ///< images may also be encrypted with the public key
    std::size_t reply_limbs = 1;
    std::size_t reply_stride = 0;             ///< Layout::stride of the reply
    std::size_t reply_coefficients = 0;       ///< radix: coefficients that a logit uses; 0 for slots
    std::array<int, 2> reply_dropped_bits{};  ///< low bits that the reply leaves out of c_0 and c_1
    /// For each plaintext modulus, what decrypted values are to be multiplied by to be logits: unscaled
    /// squares leave a constant factor, which depends on the primes alone.
    std::vector<std::uint64_t> reply_factors;
    int privacy_bits = 0;  ///< statistical distance 2^-privacy_bits of the flooded reply; 0: not flooded

    /// Whether the evaluation keys hold a public key: where the plan asks for it, where others may encrypt
    /// with it, so that it can be compared with theirs, and where there is no other key, so that the key
    /// set's checksum names this client and no other.
    [[nodiscard]] bool sends_public_key() const {
        return public_key || public_encryption || (!relin_keys && galois_elements.empty());
    }
    [[nodiscard]] Layout input_layout(std::size_t images) const;
    [[nodiscard]] Layout reply_layout(std::size_t images) const;
    bool operator==(const ClientPlan&) const = default;
};

/// One thing that happens during encrypted inference, to every element and every plaintext modulus.
struct PlanStep {
    enum class Kind {
        linear,       ///< a sparse product: convolution, dense, sum pool
        activation,   ///< a polynomial of every element
        relinearize,  ///< size 3 to size 2
        mod_switch,   ///< to fewer limbs
        flood,        ///< re-randomise and drown the noise, for circuit privacy
        join,         ///< radix logits side by side in one ciphertext
    };
    Kind kind = Kind::linear;
    std::size_t layer = 0;  ///< of the model, for linear and activation
    std::string name;
    std::size_t elements = 0;  ///< after the step
    std::size_t limbs = 0;     ///< after the step
    std::size_t size = 2;      ///< parts of a ciphertext after the step
    Form form = Form::coefficient;
    double budget_bits = 0;  ///< proven noise budget after the step
    double noise_bits = 0;   ///< log2 of the proven noise bound after the step
    double cost = 0;         ///< nominal nanoseconds on one thread, one plaintext modulus
    int flood_bits = 0;      ///< flood: the added noise is uniform in [-2^flood_bits, 2^flood_bits)
    bool unscaled = false;   ///< activation: a square as Evaluator::square_unscaled makes it
    std::string reason;
};

/// What plans are made and read within.
struct PlanLimits {
    static constexpr std::size_t plain_moduli = 8;
    static constexpr int privacy_bits = 128;
};

struct PlanRequest {
    std::size_t batch = 1;
    std::optional<Packing> packing;  ///< none: whichever is estimated faster for this batch
    int security = 128;
    int privacy_bits = 0;            ///< 0: no circuit privacy
    bool public_encryption = false;  ///< leave room for the noise of images encrypted with a public key
    std::size_t plain_moduli = 0;    ///< how many plaintext moduli; 0: as many as cost least
};

/// Everything that encrypted inference of a model will do, decided before there is a key.
struct Plan {
    ClientPlan client;
    std::vector<PlanStep> steps;
    Checksum::Value model_digest{};  ///< of the model whose ranges and noise are proven here
    ModelOperations operations;      ///< of one inference, one plaintext modulus
    mpz_class range;         ///< proven: the largest |logit| (slots) or |coefficient| of a logit (radix)
    std::size_t degree = 0;  ///< proven: the largest degree of a digit polynomial (radix)
    double output_budget_bits = 0;  ///< proven noise budget at the output, before the last switch
    double reply_budget_bits = 0;   ///< and at the reply
    std::vector<std::string> reasons;

    [[nodiscard]] double log_q() const;
    [[nodiscard]] double log_qp() const;
    [[nodiscard]] std::size_t moduli() const { return client.parameters.plain_moduli.size(); }
    /// Nominal nanoseconds of one request on one thread, all plaintext moduli.
    [[nodiscard]] double cost() const;

    // Sizes of one request in bytes, residues bit-packed, headers left out.
    [[nodiscard]] double evaluation_key_bytes() const;
    [[nodiscard]] double upload_bytes() const;
    [[nodiscard]] double download_bytes() const;
};

/// The factors that the values after each step carry modulo t, for a circuit whose squares after the first
/// unscaled one are of powers alone.
[[nodiscard]] std::vector<std::uint64_t> value_factors(const Parameters& parameters,
                                                       const std::vector<PlanStep>& steps, const Model& model,
                                                       const Modulus& t);

/// Chooses packing, plaintext moduli (from proven ranges), ring, primes and levels (from proven noise), and
/// where to relinearise. Throws Error that says which bound cannot be met and what to change.
[[nodiscard]] Plan make_plan(const Model& model, const PlanRequest& request);

[[nodiscard]] const char* packing_name(Packing packing);
/// The client's half as JSON, and back; `source` names the text in errors.
[[nodiscard]] std::string format_client_plan(const ClientPlan& plan);
[[nodiscard]] ClientPlan parse_client_plan(std::string_view json, const std::string& source);
/// Reads it from a file, never more than the largest that parse_client_plan takes. Throws Error that names
/// the file, and Stopped where a stop was requested.
[[nodiscard]] ClientPlan load_client_plan(const std::filesystem::path& file,
                                          const std::stop_token& stop = {});
/// The whole plan as JSON, for people and tools.
[[nodiscard]] std::string format_plan(const Plan& plan);

}  // namespace lacuna
