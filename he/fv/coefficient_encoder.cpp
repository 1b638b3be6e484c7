// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/coefficient_encoder.h>

#include <string>

#include <lacuna/ntt/error.h>

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
    if (plaintext.n() != n_ || plaintext.t() != space_->t()) {
        throw Error("coefficient encoder: expected a plaintext of " + std::to_string(n_) +
                    " coefficients modulo " + to_string(space_->t()) + ", found " +
                    std::to_string(plaintext.n()) + " modulo " + to_string(plaintext.t()));
    }
    std::vector<std::int64_t> values(n_);
    for (std::size_t j = 0; j < n_; ++j) {
        values[j] = space_->modulus().centre(plaintext[j]);
    }
    return values;
}

}  // namespace lacuna
