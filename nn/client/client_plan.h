// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <gmpxx.h>

#include <lacuna/he/fv/parameters.h>
#include <lacuna/nn/client/encrypted_tensor.h>
#include <lacuna/nn/model/input_features.h>
#include <lacuna/nn/model/shape.h>
#include <lacuna/nn/packing/packed_arrangement.h>

namespace lacuna {

/// What plans are made and read within.
struct PlanLimits {
    static constexpr std::size_t plain_moduli = 8;
    static constexpr int privacy_bits = 128;
};

/// The client's half of a plan: all that key generation, encryption and decryption need. It names no weight
/// and counts no operation, so it says nothing of the model but its input, its number of logits, their range
/// (by the plaintext moduli), the size of the work, in the packed packing the windows and strides that the
/// first layer looks through, which rotations there are and, by the reply's factors and the primes, how many
/// multiplications follow each other.
struct ClientPlan {
    std::string model;      ///< its name
    Parameters parameters;  ///< resolved: every prime and plaintext modulus by value
    Packing packing = Packing::slots;
    Shape input_shape;
    std::vector<int> thresholds;  ///< input quantisation, as in Model
    InputFeatures features;       ///< as in Model
    std::size_t classes = 0;
    double output_scale = 1.0;
    std::size_t batch = 1;   ///< images a request holds: 1 ... batch
    bool relin_keys = true;  ///< which evaluation keys the server needs
    std::vector<std::uint32_t> galois_elements;
    /// For each of them, the limbs of the largest ciphertext that the key turns; empty: all of them.
    std::vector<std::size_t> galois_limbs;
    bool public_key = false;         ///< to re-randomise the reply
    bool public_encryption = false;  ///< images may also be encrypted with the public key
    std::size_t reply_limbs = 1;
    std::size_t reply_parts = 2;              ///< of a ciphertext: more where nothing is relinearised
    std::size_t reply_stride = 0;             ///< Layout::stride of the reply
    std::size_t reply_coefficients = 0;       ///< radix, integers: coefficients that a logit uses; else 0
    std::array<int, 2> reply_dropped_bits{};  ///< low bits that the reply leaves out of c_0 and c_1
    /// For each plaintext modulus, what decrypted values are to be multiplied by to be logits: unscaled
    /// squares leave a constant factor, which depends on the primes alone.
    std::vector<std::uint64_t> reply_factors;
    mpz_class reply_slot_factor = 1;  ///< the same modulo p of a binomial's slots
    PackedTensors packed;             ///< of the packed packing alone
    int privacy_bits = 0;  ///< statistical distance 2^-privacy_bits of the flooded reply; 0: not flooded

    /// Whether the evaluation keys hold a public key: where the plan asks for it, where others may encrypt
    /// with it, so that it can be compared with theirs, and where there is no other key, so that the key
    /// set's checksum names this client and no other.
    [[nodiscard]] bool sends_public_key() const {
        return public_key || public_encryption || (!relin_keys && galois_elements.empty());
    }
    [[nodiscard]] std::vector<PlainModulus> plain_moduli() const { return all_plain_moduli(parameters); }
    /// Whether replies are rounded to fewer bits (ReducedCiphertext).
    [[nodiscard]] bool reduces_replies() const { return reply_limbs == 1 && reply_parts == 2; }
    [[nodiscard]] Layout input_layout(std::size_t images) const;
    [[nodiscard]] Layout reply_layout(std::size_t images) const;
    bool operator==(const ClientPlan&) const = default;
};

/// As JSON, and back; `source` names the text in errors.
[[nodiscard]] std::string format_client_plan(const ClientPlan& plan);
[[nodiscard]] ClientPlan parse_client_plan(std::string_view json, const std::string& source);
/// Reads it from a file, never more than the largest that parse_client_plan takes. Throws Error that names
/// the file, and Stopped where a stop was requested.
[[nodiscard]] ClientPlan load_client_plan(const std::filesystem::path& file,
                                          const std::stop_token& stop = {});

}  // namespace lacuna
