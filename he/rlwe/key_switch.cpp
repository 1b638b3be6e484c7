// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/key_switch.h>

#include <algorithm>
#include <string>
#include <utility>

#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

void check_operand(const Ring& ring, const RnsPolynomial& c) {
    if (ring.special().size() == 0) {
        throw Error("key switching: the parameters have no special primes; add special_bits");
    }
    if (c.form() != Form::coefficient || c.limbs() == 0 || c.limbs() > ring.max_limbs()) {
        throw Error("key switching: expected coefficient form with 1 ... " +
                    std::to_string(ring.max_limbs()) + " limbs");
    }
}

void check_key(const Ring& ring, std::size_t limbs, const KeySwitchKey& key) {
    if (key.digits.size() < ring.digits(limbs)) {
        throw Error("key switching: the key has " + std::to_string(key.digits.size()) + " digits, " +
                    std::to_string(ring.digits(limbs)) +
                    " are needed; it belongs to other parameters or to a lower level");
    }
    if (key_limbs(ring, key) < limbs) {
        throw Error("key switching: the key is for ciphertexts of at most " +
                    std::to_string(key_limbs(ring, key)) + " limbs, this one has " + std::to_string(limbs) +
                    "; it belongs to other parameters or to a lower level");
    }
}

}  // namespace

RnsBasis key_primes(const Ring& ring, std::size_t limbs) {
    return ring.data().prefix(limbs).joined(ring.special());
}

std::size_t key_limbs(const Ring& ring, const KeySwitchKey& key) {
    return key.digits.empty() ? 0 : key.digits.front().b.limbs() - ring.special().size();
}

// ---- RaisedDigits

RaisedDigits::RaisedDigits(const Ring& ring, const RnsPolynomial& c)
    : ring_(&ring), c_(&c), row_by_row_(ring.digit_limbs() == 1) {
    check_operand(ring, c);
    const std::size_t n = ring.n();
    const std::size_t extended = c.limbs() + ring.special().size();
    current_ = extended;  // none
    rows_.resize(ring.digits(c.limbs()));
    for (std::size_t d = 0; d < rows_.size(); ++d) {
        Buffer& digit = storage_.emplace_back(Buffer::uninitialised(row_by_row_ ? n : extended * n));
        if (!row_by_row_) {
            std::vector<std::uint64_t*> rows;
            for (std::size_t i = 0; i < extended; ++i) {
                rows.push_back(digit.data() + i * n);
            }
            raise(d, 0, extended, rows);
        }
    }
}

void RaisedDigits::raise(std::size_t d, std::size_t first, std::size_t last,
                         std::span<std::uint64_t* const> rows) const {
    const std::size_t limbs = c_->limbs();
    const std::size_t begin = d * ring_->digit_limbs();
    const std::size_t end = std::min(begin + ring_->digit_limbs(), limbs);
    const auto own = [&](std::size_t i) { return i >= begin && i < end; };
    std::vector<const std::uint64_t*> from;
    for (std::size_t i = begin; i < end; ++i) {
        from.push_back(c_->limb(i));
    }
    std::vector<std::uint64_t*> to(ring_->key_basis().size(), nullptr);
    for (std::size_t i = first; i < last; ++i) {
        to[extended_prime(*ring_, limbs, i)] = own(i) ? nullptr : rows[i - first];
    }
    ring_->digit_converter(d, limbs).convert(from, to, ring_->n());
    for (std::size_t i = first; i < last; ++i) {
        std::uint64_t* const row = rows[i - first];
        ring_->key_basis()
            .tables(extended_prime(*ring_, limbs, i))
            .forward({own(i) ? c_->limb(i) : row, ring_->n()}, {row, ring_->n()});
    }
}

std::span<const std::uint64_t* const> RaisedDigits::modulo(std::size_t i) {
    if (i != current_) {
        for (std::size_t d = 0; d < rows_.size(); ++d) {
            std::uint64_t* const row = storage_[d].data() + (row_by_row_ ? 0 : i * ring_->n());
            if (row_by_row_) {
                raise(d, i, i + 1, std::array<std::uint64_t*, 1>{row});
            }
            rows_[d] = row;
        }
        current_ = i;
    }
    return rows_;
}

void RaisedDigits::multiply(const KeySwitchKey& key, std::size_t i, std::uint64_t* out_b,
                            std::uint64_t* out_a) {
    const std::span<const std::uint64_t* const> rows = modulo(i);
    check_key(*ring_, c_->limbs(), key);
    // In pieces that leave the digits in the first-level cache for the second sum.
    constexpr std::size_t piece = 1024;
    const std::size_t prime = extended_prime(*ring_, c_->limbs(), i);
    const Modulus& q = ring_->key_basis().modulus(prime);
    const std::size_t row = i < c_->limbs() ? i : key_limbs(*ring_, key) + (i - c_->limbs());
    std::vector<const std::uint64_t*> digits(rows.size());
    std::vector<const std::uint64_t*> keys_b(rows.size());
    std::vector<const std::uint64_t*> keys_a(rows.size());
    for (std::size_t begin = 0; begin < ring_->n(); begin += piece) {
        for (std::size_t d = 0; d < rows.size(); ++d) {
            digits[d] = rows[d] + begin;
            keys_b[d] = key.digits[d].b.limb(row) + begin;
            keys_a[d] = key.digits[d].a.limb(row) + begin;
        }
        const std::size_t size = std::min(piece, ring_->n() - begin);
        ring_->kernels().dot(out_b + begin, digits.data(), keys_b.data(), rows.size(), size, q);
        ring_->kernels().dot(out_a + begin, digits.data(), keys_a.data(), rows.size(), size, q);
    }
}

// ---- ExtendedPair

ExtendedPair::ExtendedPair(const Ring& ring, std::size_t limbs) : ring_(&ring) {
    for (std::size_t part = 0; part < 2; ++part) {
        kept_[part] = RnsPolynomial::uninitialised(ring.n(), limbs, Form::coefficient);
        dropped_[part] = Buffer::uninitialised(ring.special().size() * ring.n());
    }
}

std::uint64_t* ExtendedPair::row(std::size_t part, std::size_t i) {
    const std::size_t limbs = kept_[part].limbs();
    return i < limbs ? kept_[part].limb(i) : dropped_[part].data() + (i - limbs) * ring_->n();
}

void ExtendedPair::to_coefficients(std::size_t i) {
    const NttTables& tables = ring_->key_basis().tables(extended_prime(*ring_, kept_[0].limbs(), i));
    tables.inverse({row(0, i), ring_->n()});
    tables.inverse({row(1, i), ring_->n()});
}

Switched ExtendedPair::divided() && {
    for (std::size_t part = 0; ring_->special().size() != 0 && part < 2; ++part) {
        const std::size_t limbs = kept_[part].limbs();
        std::vector<const std::uint64_t*> dropped;
        std::vector<std::uint64_t*> kept;
        for (std::size_t i = 0; i < limbs + ring_->special().size(); ++i) {
            if (i < limbs) {
                kept.push_back(row(part, i));
            } else {
                dropped.push_back(row(part, i));
            }
        }
        ring_->special_divider().divide(dropped, kept, ring_->n());
    }
    return std::move(kept_);
}

// ---- switching

std::vector<Switched> switch_keys(const Ring& ring, const RnsPolynomial& c,
                                  std::span<const KeySwitchKey* const> keys) {
    RaisedDigits digits(ring, c);
    std::vector<ExtendedPair> sums;
    for (std::size_t k = 0; k < keys.size(); ++k) {
        sums.emplace_back(ring, c.limbs());
    }
    for (std::size_t i = 0; i < c.limbs() + ring.special().size(); ++i) {
        for (std::size_t k = 0; k < keys.size(); ++k) {
            digits.multiply(*keys[k], i, sums[k].row(0, i), sums[k].row(1, i));
            sums[k].to_coefficients(i);
        }
    }
    std::vector<Switched> results;
    for (ExtendedPair& sum : sums) {
        results.push_back(std::move(sum).divided());
    }
    return results;
}

Switched switch_key(const Ring& ring, const RnsPolynomial& c, const KeySwitchKey& key) {
    const std::array<const KeySwitchKey*, 1> one = {&key};
    return std::move(switch_keys(ring, c, one).front());
}

}  // namespace lacuna
