// SPDX-License-Identifier: Apache-2.0
#include "he/key_switch.h"

#include <algorithm>
#include <string>
#include <utility>

#include "ntt/error.h"

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

void check_key(std::size_t digits, const KeySwitchKey& key) {
    if (key.digits.size() < digits) {
        throw Error("key switching: the key has " + std::to_string(key.digits.size()) + " digits, " +
                    std::to_string(digits) + " are needed; it belongs to other parameters");
    }
}

/// Digit d of c modulo the primes i in [first, last) of an extended polynomial, in NTT form, to rows[i -
/// first].
void raise_digit(const Ring& ring, const RnsPolynomial& c, std::size_t d, std::size_t first, std::size_t last,
                 std::span<std::uint64_t* const> rows) {
    const std::size_t limbs = c.limbs();
    const std::size_t begin = d * ring.digit_limbs();
    const std::size_t end = std::min(begin + ring.digit_limbs(), limbs);
    const auto own = [&](std::size_t i) { return i >= begin && i < end; };
    std::vector<const std::uint64_t*> from;
    for (std::size_t i = begin; i < end; ++i) {
        from.push_back(c.limb(i));
    }
    std::vector<std::uint64_t*> to(ring.key_basis().size(), nullptr);
    for (std::size_t i = first; i < last; ++i) {
        to[extended_prime(ring, limbs, i)] = own(i) ? nullptr : rows[i - first];
    }
    ring.digit_converter(d, limbs).convert(from, to, ring.n());
    for (std::size_t i = first; i < last; ++i) {
        std::uint64_t* const row = rows[i - first];
        ring.key_basis()
            .tables(extended_prime(ring, limbs, i))
            .forward({own(i) ? c.limb(i) : row, ring.n()}, {row, ring.n()});
    }
}

}  // namespace

RaisedDigits raise_digits(const Ring& ring, const RnsPolynomial& c) {
    check_operand(ring, c);
    const std::size_t extended = c.limbs() + ring.special().size();
    RaisedDigits raised;
    raised.limbs = c.limbs();
    for (std::size_t d = 0; d < ring.digits(c.limbs()); ++d) {
        RnsPolynomial& digit =
            raised.digits.emplace_back(RnsPolynomial::uninitialised(ring.n(), extended, Form::ntt));
        std::vector<std::uint64_t*> rows;
        for (std::size_t i = 0; i < extended; ++i) {
            rows.push_back(digit.limb(i));
        }
        raise_digit(ring, c, d, 0, extended, rows);
    }
    return raised;
}

namespace {

/// Sums over the digits of digit times key modulo one prime, in NTT form, in pieces that leave the digits in
/// the first-level cache for the second sum. rows: the digits modulo that prime.
void multiply_row(const Ring& ring, std::span<const std::uint64_t* const> rows, const KeySwitchKey& key,
                  std::size_t prime, std::uint64_t* out_b, std::uint64_t* out_a) {
    constexpr std::size_t piece = 1024;
    const Modulus& q = ring.key_basis().modulus(prime);
    const std::size_t count = rows.size();
    std::array<const std::uint64_t*, 64> digits{};
    std::array<const std::uint64_t*, 64> keys_b{};
    std::array<const std::uint64_t*, 64> keys_a{};
    for (std::size_t begin = 0; begin < ring.n(); begin += piece) {
        for (std::size_t d = 0; d < count; ++d) {
            digits[d] = rows[d] + begin;
            keys_b[d] = key.digits[d].b.limb(prime) + begin;
            keys_a[d] = key.digits[d].a.limb(prime) + begin;
        }
        const std::size_t size = std::min(piece, ring.n() - begin);
        ring.kernels().dot(out_b + begin, digits.data(), keys_b.data(), count, size, q);
        ring.kernels().dot(out_a + begin, digits.data(), keys_a.data(), count, size, q);
    }
}

}  // namespace

std::array<RnsPolynomial, 2> apply_key(const Ring& ring, const RaisedDigits& raised,
                                       const KeySwitchKey& key) {
    check_key(raised.digits.size(), key);
    const std::size_t extended = raised.limbs + ring.special().size();
    std::array<RnsPolynomial, 2> sums = {RnsPolynomial::uninitialised(ring.n(), extended, Form::ntt),
                                         RnsPolynomial::uninitialised(ring.n(), extended, Form::ntt)};
    std::vector<const std::uint64_t*> rows(raised.digits.size());
    for (std::size_t i = 0; i < extended; ++i) {
        for (std::size_t d = 0; d < rows.size(); ++d) {
            rows[d] = raised.digits[d].limb(i);
        }
        multiply_row(ring, rows, key, extended_prime(ring, raised.limbs, i), sums[0].limb(i),
                     sums[1].limb(i));
    }
    return sums;
}

RnsPolynomial divide_by_special(const Ring& ring, RnsPolynomial extended) {
    const std::size_t special = ring.special().size();
    const std::size_t limbs = extended.limbs() - special;
    std::vector<const std::uint64_t*> dropped;
    std::vector<std::uint64_t*> kept;
    RnsPolynomial result = RnsPolynomial::uninitialised(ring.n(), limbs, Form::coefficient);
    for (std::size_t i = 0; i < extended.limbs(); ++i) {
        ring.key_basis().tables(extended_prime(ring, limbs, i)).inverse(extended.limb_span(i));
        if (i < limbs) {
            std::copy_n(extended.limb(i), ring.n(), result.limb(i));
            kept.push_back(result.limb(i));
        } else {
            dropped.push_back(extended.limb(i));
        }
    }
    ring.special_divider().divide(dropped, kept, ring.n());
    return result;
}

std::vector<Switched> switch_keys(const Ring& ring, const RnsPolynomial& c,
                                  std::span<const KeySwitchKey* const> keys) {
    check_operand(ring, c);
    const std::size_t n = ring.n();
    const std::size_t limbs = c.limbs();
    const std::size_t special = ring.special().size();
    const std::size_t digits = ring.digits(limbs);
    std::vector<Switched> results(keys.size());
    std::vector<Buffer> remainders;  // [key * 2 + part]: the special primes' rows
    for (std::size_t k = 0; k < keys.size(); ++k) {
        check_key(digits, *keys[k]);
        for (RnsPolynomial& part : results[k]) {
            part = RnsPolynomial::uninitialised(n, limbs, Form::coefficient);
            remainders.push_back(Buffer::uninitialised(special * n));
        }
    }
    // Prime by prime, so that a row of the digits stays in the second-level cache while every key passes over
    // it. Digits of one prime are raised row by row, too; larger ones at once, as their rows share work.
    const bool row_by_row = ring.digit_limbs() == 1;
    const RaisedDigits raised = row_by_row ? RaisedDigits{} : raise_digits(ring, c);
    Buffer row_storage = Buffer::uninitialised(row_by_row ? digits * n : 0);
    std::vector<const std::uint64_t*> rows(digits);
    for (std::size_t i = 0; i < limbs + special; ++i) {
        for (std::size_t d = 0; d < digits; ++d) {
            if (row_by_row) {
                const std::array<std::uint64_t*, 1> row = {row_storage.data() + d * n};
                raise_digit(ring, c, d, i, i + 1, row);
                rows[d] = row[0];
            } else {
                rows[d] = raised.digits[d].limb(i);
            }
        }
        const std::size_t prime = extended_prime(ring, limbs, i);
        const NttTables& tables = ring.key_basis().tables(prime);
        for (std::size_t k = 0; k < keys.size(); ++k) {
            std::array<std::uint64_t*, 2> sums{};
            for (std::size_t part = 0; part < 2; ++part) {
                sums[part] =
                    i < limbs ? results[k][part].limb(i) : remainders[2 * k + part].data() + (i - limbs) * n;
            }
            multiply_row(ring, rows, *keys[k], prime, sums[0], sums[1]);
            tables.inverse({sums[0], n});
            tables.inverse({sums[1], n});
        }
    }
    std::vector<const std::uint64_t*> dropped(special);
    std::vector<std::uint64_t*> kept(limbs);
    for (std::size_t k = 0; k < keys.size(); ++k) {
        for (std::size_t part = 0; part < 2; ++part) {
            for (std::size_t i = 0; i < special; ++i) {
                dropped[i] = remainders[2 * k + part].data() + i * n;
            }
            for (std::size_t i = 0; i < limbs; ++i) {
                kept[i] = results[k][part].limb(i);
            }
            ring.special_divider().divide(dropped, kept, n);
        }
    }
    return results;
}

Switched switch_key(const Ring& ring, const RnsPolynomial& c, const KeySwitchKey& key) {
    const std::array<const KeySwitchKey*, 1> one = {&key};
    return std::move(switch_keys(ring, c, one).front());
}

}  // namespace lacuna
