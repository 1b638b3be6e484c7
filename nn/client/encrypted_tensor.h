// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <lacuna/he/fv/ciphertext.h>
#include <lacuna/nn/packing/layout.h>

namespace lacuna {

/// A tensor under encryption: for each plaintext modulus its ciphertexts in the order of the layout. Residues
/// of the same integers modulo several t stand for one integer modulo their product.
struct EncryptedTensor {
    Layout layout;
    std::vector<std::vector<Ciphertext>> residues;  ///< [plaintext modulus][ciphertext]
};

/// What a client sends: fresh symmetric ciphertexts at half their size.
struct SeededTensor {
    Layout layout;
    std::vector<std::vector<SeededCiphertext>> residues;
};

}  // namespace lacuna
