// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/scaler.h>

#include <algorithm>

#include <lacuna/ntt/buffer.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

namespace {

/// Coefficients that are scaled together: the rows of a block stay in the first-level cache.
constexpr std::size_t block_size = 256;
/// Rows that lie a large power of two apart share the sets of that cache, which holds about so many of them.
constexpr std::size_t most_rows_in_place = 8;

mpz_class product_of(std::span<const Modulus> moduli) {
    mpz_class product = 1;
    for (const Modulus& modulus : moduli) {
        product *= to_mpz(modulus.value());
    }
    return product;
}

}  // namespace

Scaler::Scaler(std::span<const Modulus> q, std::span<const Modulus> p, const mpz_class& t, std::size_t drop,
               const Kernels& kernels)
    : kernels_(&kernels), moduli_(q.begin(), q.end()), out_count_(q.size() - drop), weights_(out_count_) {
    moduli_.insert(moduli_.end(), p.begin(), p.end());
    const mpz_class product = product_of(moduli_);
    const mpz_class scaled = t * product_of(p);  // t P
    const mpz_class dropped = product_of(q.subspan(out_count_));
    const auto append = [&](const mpz_class& numerator, const mpz_class& denominator) {
        mpz_class whole;
        mpz_class rest;
        mpz_fdiv_qr(whole.get_mpz_t(), rest.get_mpz_t(), numerator.get_mpz_t(), denominator.get_mpz_t());
        fractions_.append(rest, denominator);
        for (std::size_t j = 0; j < out_count_; ++j) {
            weights_[j].push_back(residue(whole, q[j]));
        }
    };
    for (const Modulus& m : moduli_) {
        const mpz_class value = to_mpz(m.value());
        factors_.push_back(m.inverse(residue(product / value, m)));
        reciprocals_.append(1, value);
        append(scaled, value * dropped);
    }
    append(-scaled, dropped);
    for (std::size_t j = 0; j < out_count_; ++j) {
        weights_[j].push_back(1);
        kernels.prepare_weights(weights_[j].data(), weights_[j].size(), q[j]);
    }
    // Without a drop t P/p_k and t P are integers: only the q's have fractions.
    fraction_count_ = drop == 0 ? q.size() : moduli_.size() + 1;
}

void Scaler::scale(std::span<const std::uint64_t* const> y, std::span<std::uint64_t* const> out,
                   std::size_t n) const {
    const std::size_t count = moduli_.size();
    const bool in_place = count <= most_rows_in_place;
    Buffer scratch = Buffer::uninitialised((3 + (in_place ? 0 : count)) * block_size);
    std::uint64_t* const overflow = scratch.data();
    std::uint64_t* const reduced_rounding = scratch.data() + block_size;
    std::uint64_t* const rounding = scratch.data() + 2 * block_size;
    std::vector<const std::uint64_t*> rows(count + 2);
    rows[count] = overflow;
    rows[count + 1] = reduced_rounding;
    for (std::size_t begin = 0; begin < n; begin += block_size) {
        const std::size_t size = std::min(block_size, n - begin);
        for (std::size_t i = 0; i < count; ++i) {
            rows[i] = y[i] + begin;
            if (!in_place) {
                std::uint64_t* const copy = scratch.data() + (3 + i) * block_size;
                std::copy_n(rows[i], size, copy);
                rows[i] = copy;
            }
        }
        kernels_->round_fractions(overflow, rows.data(), reciprocals_.high.data(), reciprocals_.low.data(),
                                  count, size);
        kernels_->round_fractions(rounding, rows.data(), fractions_.high.data(), fractions_.low.data(),
                                  fraction_count_, size);
        for (std::size_t j = 0; j < out_count_; ++j) {
            kernels_->reduce(reduced_rounding, rounding, size, moduli_[j]);
            kernels_->weighted_sum(out[j] + begin, rows.data(), weights_[j].data(), count + 2, size,
                                   moduli_[j]);
        }
    }
}

ScalerToPlain::ScalerToPlain(std::span<const Modulus> q, const Modulus& t, const Kernels& kernels)
    : kernels_(&kernels), q_(q.begin(), q.end()), t_(t) {
    const mpz_class product = product_of(q);
    for (const Modulus& modulus : q_) {
        const mpz_class rest = product / to_mpz(modulus.value());
        inverse_.emplace_back(modulus.inverse(residue(rest, modulus)), modulus);
        const std::uint64_t whole = t.value() / modulus.value();
        weights_.push_back(t.reduce(whole));
        fractions_.append(to_mpz(t.value() - whole * modulus.value()), to_mpz(modulus.value()));
    }
    weights_.push_back(1);
    kernels.prepare_weights(weights_.data(), weights_.size(), t_);
}

void ScalerToPlain::scale(std::span<const std::uint64_t* const> z, std::uint64_t* out, std::size_t n) const {
    const std::size_t count = q_.size();
    Buffer scratch = Buffer::uninitialised((count + 1) * block_size, Secrecy::secret);
    std::vector<const std::uint64_t*> rows(count + 1);
    for (std::size_t i = 0; i <= count; ++i) {
        rows[i] = scratch.data() + i * block_size;
    }
    std::uint64_t* const rounding = scratch.data() + count * block_size;
    for (std::size_t begin = 0; begin < n; begin += block_size) {
        const std::size_t size = std::min(block_size, n - begin);
        for (std::size_t i = 0; i < count; ++i) {
            kernels_->multiply_scalar(scratch.data() + i * block_size, z[i] + begin, size, inverse_[i],
                                      q_[i]);
        }
        kernels_->round_fractions(rounding, rows.data(), fractions_.high.data(), fractions_.low.data(), count,
                                  size);
        kernels_->reduce(rounding, rounding, size, t_);
        kernels_->weighted_sum(out + begin, rows.data(), weights_.data(), count + 1, size, t_);
    }
}

Divider::Divider(std::span<const Modulus> dropped, std::span<const Modulus> kept, const Kernels& kernels)
    : kernels_(&kernels), kept_(kept.begin(), kept.end()), converter_(dropped, kept, kernels) {
    const mpz_class product = product_of(dropped);
    for (const Modulus& q : kept_) {
        inverse_.emplace_back(q.inverse(residue(product, q)), q);
    }
}

void Divider::divide(std::span<const std::uint64_t* const> dropped, std::span<std::uint64_t* const> kept,
                     std::size_t n) const {
    constexpr std::size_t chunk = 1024;
    Buffer remainders = Buffer::uninitialised(kept.size() * chunk);
    std::vector<const std::uint64_t*> from(dropped.size());
    std::vector<std::uint64_t*> rows(kept.size());
    for (std::size_t k = 0; k < kept.size(); ++k) {
        rows[k] = remainders.data() + k * chunk;
    }
    for (std::size_t begin = 0; begin < n; begin += chunk) {
        const std::size_t size = std::min(chunk, n - begin);
        for (std::size_t i = 0; i < dropped.size(); ++i) {
            from[i] = dropped[i] + begin;
        }
        converter_.convert(from, rows, size);
        for (std::size_t k = 0; k < kept.size(); ++k) {
            std::uint64_t* const words = kept[k] + begin;
            kernels_->subtract_multiply_scalar(words, words, rows[k], size, inverse_[k], kept_[k]);
        }
    }
}

}  // namespace lacuna
