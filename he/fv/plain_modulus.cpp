// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/plain_modulus.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <utility>

#include <lacuna/ntt/error.h>
#include <lacuna/ntt/gmp_words.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

namespace {

/// As many digits base |b| as 2^60 holds, and |b| to that power: multi-word arithmetic once for them all. GMP
/// divides by an unsigned long, which may have 32 bits; |b| is at most 2^24.
struct Chunk {
    explicit Chunk(std::uint64_t base) {
        constexpr std::uint64_t most = std::uint64_t{1} << (sizeof(unsigned long) == 8 ? 60 : 31);
        while (power <= most / base) {
            power *= base;
            ++digits;
        }
    }
    std::uint64_t power = 1;
    std::size_t digits = 0;
};

/// Digits in {0, 1}, lowest first, made non-adjacent; returns the carry behind the last.
std::int64_t make_non_adjacent(std::vector<std::int64_t>& digits) {
    std::int64_t carry = 0;
    for (std::size_t j = 0; j < digits.size(); ++j) {
        const std::int64_t sum = digits[j] + carry;
        const std::int64_t next = j + 1 < digits.size() ? digits[j + 1] : 0;
        digits[j] = (sum & 1) * (1 - 2 * next);
        carry = (sum - digits[j]) / 2;
    }
    return carry;
}

/// Digits in [0, b) made balanced, in (-b/2, b/2]; returns the carry behind the last.
std::int64_t make_balanced(std::vector<std::int64_t>& digits, std::int64_t base) {
    std::int64_t carry = 0;
    for (std::int64_t& digit : digits) {
        digit += carry;
        carry = digit > base / 2 ? 1 : 0;
        digit -= carry * base;
    }
    return carry;
}

}  // namespace

std::uint64_t PlainModulus::value() const {
    if (!is_integer()) {
        throw Error("plaintext modulus: expected an integer, found " + to_string(*this) +
                    "; this operation knows integers only");
    }
    return static_cast<std::uint64_t>(base_);
}

std::int64_t PlainModulus::base() const {
    if (is_integer()) {
        throw Error("plaintext modulus: expected a binomial x^k - b, found the integer " + to_string(*this));
    }
    return base_;
}

double PlainModulus::log_norm() const {
    const auto b = static_cast<double>(base_);
    return is_integer() ? std::log2(b) : 0.5 * std::log2(b * b + 1);
}

double PlainModulus::log_bound() const {
    return is_integer() ? log_norm() : std::log2(std::abs(static_cast<double>(base_)) + 1);
}

std::int64_t PlainModulus::coefficient_bound() const {
    return std::abs(base()) / 2 + 1;
}

std::string to_string(const PlainModulus& t) {
    if (t.is_integer()) {
        return std::to_string(t.value());
    }
    return "x^" + std::to_string(t.power()) + (t.base() < 0 ? " + " : " - ") +
           std::to_string(std::abs(t.base()));
}

std::string binomial_problem(const PlainModulus& t, std::size_t n,
                             std::span<const std::uint64_t> data_primes) {
    const std::string name = to_string(t);
    if (t.is_integer()) {
        return name + ": expected a binomial x^k - b, found an integer; give it in plain_moduli";
    }
    if (!std::has_single_bit(t.power()) || t.power() > n / 2) {
        return name + ": expected k a power of two in 1 ... " + std::to_string(n / 2) +
               "; with k = n the modulus would be an integer";
    }
    if (std::abs(t.base()) < 2 || std::abs(t.base()) >= max_plain_base) {
        return name + ": expected 2 <= |b| < 2^24; choose a smaller base with a smaller k";
    }
    for (const std::uint64_t prime : data_primes) {
        const Modulus q(prime);
        if (prime <= static_cast<std::uint64_t>(4 * (std::abs(t.base()) + 1))) {
            return name + ": expected data primes above 4 (|b| + 1), found " + std::to_string(prime) +
                   "; choose larger primes or a smaller base";
        }
        if (q.power(q.reduce_signed(t.base()), n / t.power()) == prime - 1) {
            return name + ": it is not invertible modulo the data prime " + std::to_string(prime) +
                   "; choose another prime or base";
        }
    }
    return "";
}

mpz_class slot_modulus(const PlainModulus& t, std::size_t n) {
    if (t.is_integer()) {
        return to_mpz(t.value());
    }
    mpz_class power;
    mpz_ui_pow_ui(power.get_mpz_t(), static_cast<unsigned long>(std::abs(t.base())), n / t.power());
    return power + 1;  // n/k is even
}

std::vector<std::int64_t> balanced_digits(const mpz_class& value, const PlainModulus& t, std::size_t n) {
    const std::int64_t base = std::abs(t.base());
    const mpz_class p = slot_modulus(t, n);
    mpz_class rest;
    mpz_fdiv_r(rest.get_mpz_t(), value.get_mpz_t(), p.get_mpz_t());
    const bool negative = 2 * rest > p;
    if (negative) {
        rest = p - rest;
    }
    std::vector<std::int64_t> digits(n / t.power());
    const Chunk chunk(static_cast<std::uint64_t>(base));
    for (std::size_t j = 0; rest != 0 && j < digits.size();) {
        std::uint64_t part =
            mpz_fdiv_q_ui(rest.get_mpz_t(), rest.get_mpz_t(), static_cast<unsigned long>(chunk.power));
        for (std::size_t i = 0; i < chunk.digits && j < digits.size(); ++i, ++j) {
            digits[j] = static_cast<std::int64_t>(part % static_cast<std::uint64_t>(base));
            part /= static_cast<std::uint64_t>(base);
        }
    }
    digits[0] -= base == 2 ? make_non_adjacent(digits) : make_balanced(digits, base);  // b^N = -1
    for (std::size_t j = 0; j < digits.size(); ++j) {
        const bool mirrored = t.base() < 0 && j % 2 == 1;
        digits[j] = negative != mirrored ? -digits[j] : digits[j];
    }
    return digits;
}

mpz_class value_of_digits(const std::vector<std::int64_t>& digits, const PlainModulus& t, std::size_t n) {
    const std::int64_t base = t.base();
    Chunk chunk(static_cast<std::uint64_t>(std::abs(base)));
    chunk.digits = std::max<std::size_t>(1, chunk.digits * 34 / 60);  // digits of 25 bits on top
    std::vector<mpz_class> parts;
    for (std::size_t begin = 0; begin < digits.size(); begin += chunk.digits) {
        std::int64_t part = 0;
        for (std::size_t j = std::min(begin + chunk.digits, digits.size()); j-- > begin;) {
            part = part * base + digits[j];
        }
        parts.push_back(to_signed_mpz(part));
    }
    mpz_class step = static_cast<long>(base);
    mpz_pow_ui(step.get_mpz_t(), step.get_mpz_t(), chunk.digits);
    for (; parts.size() > 1; step *= step) {  // pairs, so that long products are few and balanced
        for (std::size_t i = 0; i < parts.size(); i += 2) {
            parts[i / 2] = i + 1 < parts.size() ? mpz_class(parts[i] + step * parts[i + 1]) : parts[i];
        }
        parts.resize((parts.size() + 1) / 2);
    }
    const mpz_class p = slot_modulus(t, n);
    mpz_class value;
    mpz_fdiv_r(value.get_mpz_t(), parts.front().get_mpz_t(), p.get_mpz_t());
    return 2 * value > p ? mpz_class(value - p) : value;
}

}  // namespace lacuna
