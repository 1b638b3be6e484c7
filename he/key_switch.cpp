// SPDX-License-Identifier: Apache-2.0
#include "he/key_switch.h"

#include <algorithm>
#include <string>
#include <utility>

#include "ntt/error.h"

namespace lacuna {

RaisedDigits raise_digits(const Ring& ring, const RnsPolynomial& c) {
    if (ring.special().size() == 0) {
        throw Error("key switching: the parameters have no special primes; add special_bits");
    }
    if (c.form() != Form::coefficient || c.limbs() == 0 || c.limbs() > ring.max_limbs()) {
        throw Error("key switching: expected coefficient form with 1 ... " +
                    std::to_string(ring.max_limbs()) + " limbs");
    }
    const std::size_t limbs = c.limbs();
    const std::size_t extended = limbs + ring.special().size();
    RaisedDigits raised;
    raised.limbs = limbs;
    std::vector<const std::uint64_t*> from;
    std::vector<std::uint64_t*> to(ring.key_basis().size(), nullptr);
    for (std::size_t d = 0; d < ring.digits(limbs); ++d) {
        const std::size_t begin = d * ring.digit_limbs();
        const std::size_t end = std::min(begin + ring.digit_limbs(), limbs);
        RnsPolynomial digit = RnsPolynomial::uninitialised(ring.n(), extended, Form::coefficient);
        from.clear();
        for (std::size_t i = begin; i < end; ++i) {
            from.push_back(c.limb(i));
        }
        for (std::size_t i = 0; i < extended; ++i) {
            const bool own = i >= begin && i < end;
            to[extended_prime(ring, limbs, i)] = own ? nullptr : digit.limb(i);
        }
        ring.digit_converter(d, limbs).convert(from, to, ring.n());
        for (std::size_t i = 0; i < extended; ++i) {
            const bool own = i >= begin && i < end;
            const NttTables& tables = ring.key_basis().tables(extended_prime(ring, limbs, i));
            tables.forward(own ? c.limb_span(i) : std::as_const(digit).limb_span(i), digit.limb_span(i));
        }
        digit.set_form(Form::ntt);
        raised.digits.push_back(std::move(digit));
    }
    return raised;
}

namespace {

void check_key(const RaisedDigits& raised, const KeySwitchKey& key) {
    if (key.digits.size() < raised.digits.size()) {
        throw Error("key switching: the key has " + std::to_string(key.digits.size()) + " digits, " +
                    std::to_string(raised.digits.size()) + " are needed; it belongs to other parameters");
    }
}

/// Row i of both sums, in NTT form, in pieces that leave the digits in the first-level cache for the second
/// sum.
void multiply_row(const Ring& ring, const RaisedDigits& raised, const KeySwitchKey& key, std::size_t i,
                  std::uint64_t* out_b, std::uint64_t* out_a) {
    constexpr std::size_t piece = 1024;
    const std::size_t prime = extended_prime(ring, raised.limbs, i);
    const Modulus& q = ring.key_basis().modulus(prime);
    const std::size_t count = raised.digits.size();
    std::array<const std::uint64_t*, 64> digits{};
    std::array<const std::uint64_t*, 64> keys_b{};
    std::array<const std::uint64_t*, 64> keys_a{};
    for (std::size_t begin = 0; begin < ring.n(); begin += piece) {
        for (std::size_t d = 0; d < count; ++d) {
            digits[d] = raised.digits[d].limb(i) + begin;
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
    check_key(raised, key);
    const std::size_t extended = raised.limbs + ring.special().size();
    std::array<RnsPolynomial, 2> sums = {RnsPolynomial::uninitialised(ring.n(), extended, Form::ntt),
                                         RnsPolynomial::uninitialised(ring.n(), extended, Form::ntt)};
    for (std::size_t i = 0; i < extended; ++i) {
        multiply_row(ring, raised, key, i, sums[0].limb(i), sums[1].limb(i));
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

std::vector<Switched> switch_raised(const Ring& ring, const RaisedDigits& raised,
                                    std::span<const KeySwitchKey* const> keys) {
    const std::size_t n = ring.n();
    const std::size_t special = ring.special().size();
    std::vector<Switched> results(keys.size());
    std::vector<Buffer> remainders;  // [key * 2 + part]: the special primes' rows
    for (std::size_t k = 0; k < keys.size(); ++k) {
        check_key(raised, *keys[k]);
        for (RnsPolynomial& part : results[k]) {
            part = RnsPolynomial::uninitialised(n, raised.limbs, Form::coefficient);
            remainders.push_back(Buffer::uninitialised(special * n));
        }
    }
    for (std::size_t i = 0; i < raised.limbs + special; ++i) {
        const NttTables& tables = ring.key_basis().tables(extended_prime(ring, raised.limbs, i));
        for (std::size_t k = 0; k < keys.size(); ++k) {
            std::array<std::uint64_t*, 2> rows{};
            for (std::size_t part = 0; part < 2; ++part) {
                rows[part] = i < raised.limbs ? results[k][part].limb(i)
                                              : remainders[2 * k + part].data() + (i - raised.limbs) * n;
            }
            multiply_row(ring, raised, *keys[k], i, rows[0], rows[1]);
            tables.inverse({rows[0], n});
            tables.inverse({rows[1], n});
        }
    }
    std::vector<const std::uint64_t*> dropped(special);
    std::vector<std::uint64_t*> kept(raised.limbs);
    for (std::size_t k = 0; k < keys.size(); ++k) {
        for (std::size_t part = 0; part < 2; ++part) {
            for (std::size_t i = 0; i < special; ++i) {
                dropped[i] = remainders[2 * k + part].data() + i * n;
            }
            for (std::size_t i = 0; i < raised.limbs; ++i) {
                kept[i] = results[k][part].limb(i);
            }
            ring.special_divider().divide(dropped, kept, n);
        }
    }
    return results;
}

Switched switch_key(const Ring& ring, const RnsPolynomial& c, const KeySwitchKey& key) {
    const std::array<const KeySwitchKey*, 1> one = {&key};
    return std::move(switch_raised(ring, raise_digits(ring, c), one).front());
}

}  // namespace lacuna
