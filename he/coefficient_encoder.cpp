// SPDX-License-Identifier: Apache-2.0
#include "he/coefficient_encoder.h"

#include <string>

#include "ntt/error.h"

namespace lacuna {

Plaintext CoefficientEncoder::encode(std::span<const std::int64_t> values) const {
    if (values.size() > n_) {
        throw Error("coefficient encoder: expected at most " + std::to_string(n_) + " values, found " +
                    std::to_string(values.size()) + "; spread them over several plaintexts");
    }
    Plaintext plaintext(n_, space_->modulus().value());
    for (std::size_t j = 0; j < values.size(); ++j) {
        plaintext[j] = space_->modulus().reduce_signed(values[j]);
    }
    return plaintext;
}

std::vector<std::int64_t> CoefficientEncoder::decode(const Plaintext& plaintext) const {
    if (plaintext.n() != n_ || plaintext.modulus() != space_->modulus().value()) {
        throw Error("coefficient encoder: expected a plaintext of " + std::to_string(n_) +
                    " coefficients modulo " + std::to_string(space_->modulus().value()) + ", found " +
                    std::to_string(plaintext.n()) + " modulo " + std::to_string(plaintext.modulus()));
    }
    std::vector<std::int64_t> values(n_);
    for (std::size_t j = 0; j < n_; ++j) {
        values[j] = space_->modulus().centre(plaintext[j]);
    }
    return values;
}

}  // namespace lacuna
