// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <lacuna/nn/model/expanded_model.h>

namespace lacuna {

/// Homomorphic operations in the four columns of Faster CryptoNets (arXiv 1811.09953): PT-CT has one
/// plaintext operand, CT-CT two ciphertexts.
struct OperationCounts {
    std::uint64_t pt_ct_adds = 0;
    std::uint64_t ct_ct_adds = 0;
    std::uint64_t pt_ct_mults = 0;
    std::uint64_t ct_ct_mults = 0;

    [[nodiscard]] std::uint64_t total() const { return pt_ct_adds + ct_ct_adds + pt_ct_mults + ct_ct_mults; }
    OperationCounts& operator+=(const OperationCounts& other);
    bool operator==(const OperationCounts&) const = default;
};

struct LayerOperations {
    std::string name;  ///< the layer's
    OperationCounts counts;
};

/// Operations of one inference with one ciphertext per element, for one plaintext modulus.
struct ModelOperations {
    std::vector<LayerOperations> layers;  ///< one per layer of the model

    [[nodiscard]] OperationCounts total() const;
};

/// Counts operations.
///
/// Linear layers, per output element: a PT-CT mult for each non-zero weight inside the input (taps in the
/// padding left out, +-1 included), a CT-CT add fewer than that, a PT-CT add for a bias other than 0. A sum
/// pool has the CT-CT adds alone.
///
/// Activations, per element: a CT-CT mult for each product of activation_steps(); a PT-CT mult for each
/// coefficient other than the constant, except a 1 on x^2 and above; CT-CT adds that join those terms; a
/// PT-CT add for a constant other than 0.
[[nodiscard]] ModelOperations count_operations(const ExpandedModel& model);
/// Throws Error for an invalid model.
[[nodiscard]] ModelOperations count_operations(const Model& model);

}  // namespace lacuna
