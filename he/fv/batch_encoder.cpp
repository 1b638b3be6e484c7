// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/batch_encoder.h>

#include <algorithm>
#include <bit>
#include <string>

#include <lacuna/ntt/error.h>

namespace lacuna {

BatchEncoder::BatchEncoder(const Context& context, std::size_t plain_index)
    : space_(context.shared_plain(plain_index)), positions_(context.n()) {
    const std::size_t n = space_->batching_tables().size();  // throws where t does not batch
    const int log_n = std::countr_zero(n);
    std::uint32_t power = 1;
    for (std::size_t j = 0; j < n / 2; ++j) {
        const auto negative = static_cast<std::uint32_t>(2 * n - power);
        positions_[j] = reverse_bits(power >> 1, log_n);
        positions_[n / 2 + j] = reverse_bits(negative >> 1, log_n);
        power = static_cast<std::uint32_t>(std::uint64_t{power} * 3 % (2 * n));
    }
}

Plaintext BatchEncoder::encode(std::span<const std::int64_t> values) const {
    const std::size_t n = positions_.size();
    if (values.size() > n) {
        throw Error("batch encoder: expected at most " + std::to_string(n) + " values, found " +
                    std::to_string(values.size()) + "; spread them over several plaintexts");
    }
    Plaintext plaintext(n, space_->modulus().value());
    for (std::size_t j = 0; j < values.size(); ++j) {
        plaintext[positions_[j]] = space_->modulus().reduce_signed(values[j]);
    }
    space_->batching_tables().inverse({plaintext.data(), n});
    return plaintext;
}

std::vector<std::int64_t> BatchEncoder::decode(const Plaintext& plaintext) const {
    const std::size_t n = positions_.size();
    if (plaintext.n() != n || plaintext.t() != space_->t()) {
        throw Error("batch encoder: expected a plaintext of " + std::to_string(n) + " coefficients modulo " +
                    to_string(space_->t()) + ", found " + std::to_string(plaintext.n()) + " modulo " +
                    to_string(plaintext.t()));
    }
    Buffer values = Buffer::uninitialised(n, Secrecy::secret);
    std::copy_n(plaintext.data(), n, values.data());
    space_->batching_tables().forward(values.span());
    std::vector<std::int64_t> slots(n);
    for (std::size_t j = 0; j < n; ++j) {
        slots[j] = space_->modulus().centre(values[positions_[j]]);
    }
    return slots;
}

}  // namespace lacuna
