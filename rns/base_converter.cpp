// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/base_converter.h>

#include <algorithm>
#include <array>

#include <lacuna/ntt/buffer.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

namespace {

/// Coefficients that are converted together: the rows of a block stay in the first-level cache.
constexpr std::size_t block_size = 256;

}  // namespace

BaseConverter::BaseConverter(std::span<const Modulus> from, std::span<const Modulus> to,
                             const Kernels& kernels)
    : kernels_(&kernels), from_(from.begin(), from.end()), to_(to.begin(), to.end()) {
    mpz_class product = 1;
    for (const Modulus& q : from_) {
        product *= to_mpz(q.value());
    }
    for (const Modulus& q : from_) {
        const mpz_class rest = product / to_mpz(q.value());
        inverse_.emplace_back(q.inverse(residue(rest, q)), q);
        reciprocals_.append(1, to_mpz(q.value()));
    }
    for (const Modulus& p : to_) {
        std::vector<std::uint64_t>& weights = weights_.emplace_back();
        for (const Modulus& q : from_) {
            weights.push_back(residue(product / to_mpz(q.value()), p));
        }
        weights.push_back(residue(-product, p));
        kernels.prepare_weights(weights.data(), weights.size(), p);
    }
}

void BaseConverter::convert(std::span<const std::uint64_t* const> from, std::span<std::uint64_t* const> to,
                            std::size_t n) const {
    const std::size_t count = from_.size();
    if (count == 1) {
        lift(from[0], to, n);
        return;
    }
    Buffer scratch = Buffer::uninitialised((count + 1) * block_size);
    std::vector<const std::uint64_t*> rows(count + 1);
    for (std::size_t i = 0; i <= count; ++i) {
        rows[i] = scratch.data() + i * block_size;
    }
    std::uint64_t* const overflow = scratch.data() + count * block_size;
    for (std::size_t begin = 0; begin < n; begin += block_size) {
        const std::size_t size = std::min(block_size, n - begin);
        for (std::size_t i = 0; i < count; ++i) {
            kernels_->multiply_scalar(scratch.data() + i * block_size, from[i] + begin, size, inverse_[i],
                                      from_[i]);
        }
        kernels_->round_fractions(overflow, rows.data(), reciprocals_.high.data(), reciprocals_.low.data(),
                                  count, size);
        for (std::size_t j = 0; j < to.size(); ++j) {
            if (to[j] != nullptr) {
                kernels_->weighted_sum(to[j] + begin, rows.data(), weights_[j].data(), count + 1, size,
                                       to_[j]);
            }
        }
    }
}

/// From one modulus: Q/q_0 = 1, so y_0 is x itself, and v is 0 or 1.
void BaseConverter::lift(const std::uint64_t* from, std::span<std::uint64_t* const> to, std::size_t n) const {
    const Modulus& q = from_.front();
    Buffer overflow;
    for (std::size_t j = 0; j < to.size(); ++j) {
        if (to[j] == nullptr) {
            continue;
        }
        if (q.value() % 2 != 0 && q.value() < 2 * to_[j].value()) {
            kernels_->lift_centred(to[j], from, n, q, to_[j]);
            continue;
        }
        if (overflow.size() == 0) {
            overflow = Buffer::uninitialised(n);
            kernels_->round_fractions(overflow.data(), &from, reciprocals_.high.data(),
                                      reciprocals_.low.data(), 1, n);
        }
        const std::array<const std::uint64_t*, 2> rows = {from, overflow.data()};
        kernels_->weighted_sum(to[j], rows.data(), weights_[j].data(), rows.size(), n, to_[j]);
    }
}

}  // namespace lacuna
