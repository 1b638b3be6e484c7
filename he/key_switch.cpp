// SPDX-License-Identifier: Apache-2.0
#include "he/key_switch.h"

#include <algorithm>
#include <string>

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
            if (own) {
                std::copy_n(c.limb(i), ring.n(), digit.limb(i));
            }
        }
        ring.digit_converter(d, limbs).convert(from, to, ring.n());
        for (std::size_t i = 0; i < extended; ++i) {
            ring.key_basis().tables(extended_prime(ring, limbs, i)).forward(digit.limb_span(i));
        }
        digit.set_form(Form::ntt);
        raised.digits.push_back(std::move(digit));
    }
    return raised;
}

std::array<RnsPolynomial, 2> apply_key(const Ring& ring, const RaisedDigits& raised, const KeySwitchKey& key,
                                       const Automorphism* automorphism) {
    const std::size_t n = ring.n();
    const std::size_t count = raised.digits.size();
    const std::size_t extended = raised.limbs + ring.special().size();
    if (key.digits.size() < count) {
        throw Error("key switching: the key has " + std::to_string(key.digits.size()) + " digits, " +
                    std::to_string(count) + " are needed; it belongs to other parameters");
    }
    std::array<RnsPolynomial, 2> sums = {RnsPolynomial::uninitialised(n, extended, Form::ntt),
                                         RnsPolynomial::uninitialised(n, extended, Form::ntt)};
    Buffer permuted = Buffer::uninitialised(automorphism != nullptr ? count * n : 0);
    std::vector<const std::uint64_t*> digit_rows(count);
    std::vector<const std::uint64_t*> key_rows(count);
    for (std::size_t i = 0; i < extended; ++i) {
        const std::size_t prime = extended_prime(ring, raised.limbs, i);
        const Modulus& q = ring.key_basis().modulus(prime);
        for (std::size_t d = 0; d < count; ++d) {
            digit_rows[d] = raised.digits[d].limb(i);
            if (automorphism != nullptr) {
                ring.kernels().gather(permuted.data() + d * n, digit_rows[d], automorphism->ntt_index(), n);
                digit_rows[d] = permuted.data() + d * n;
            }
        }
        for (std::size_t part = 0; part < 2; ++part) {
            for (std::size_t d = 0; d < count; ++d) {
                key_rows[d] = (part == 0 ? key.digits[d].b : key.digits[d].a).limb(prime);
            }
            ring.kernels().dot(sums[part].limb(i), digit_rows.data(), key_rows.data(), count, n, q);
        }
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

std::array<RnsPolynomial, 2> switch_key(const Ring& ring, const RnsPolynomial& c, const KeySwitchKey& key) {
    auto [sum0, sum1] = apply_key(ring, raise_digits(ring, c), key, nullptr);
    return {divide_by_special(ring, std::move(sum0)), divide_by_special(ring, std::move(sum1))};
}

}  // namespace lacuna
