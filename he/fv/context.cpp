// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/context.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <string>

#include <lacuna/ntt/error.h>
#include <lacuna/ntt/primes.h>

namespace lacuna {

namespace {

__extension__ using int128_t = __int128;

/// Decryption modulo a binomial knows z / Q to this many bits.
constexpr int fraction_bits = max_modulus_bits - 1;

}  // namespace

PlaintextSpace::PlaintextSpace(const Ring& ring, const PlainModulus& t)
    : t_(t), slot_modulus_(lacuna::slot_modulus(t, ring.n())) {
    const Modulus target(t.is_integer() ? t.value() : std::uint64_t{1} << fraction_bits);
    std::vector<Modulus> data;
    for (std::size_t i = 0; i < ring.max_limbs(); ++i) {
        data.push_back(ring.data().modulus(i));
        q_mod_p_.push_back(ring.data().prefix(i + 1).product() % slot_modulus_);
        plain_scalers_.emplace_back(data, target, ring.kernels());
    }
    t.is_integer() ? prepare_integer(ring) : prepare_binomial(ring);
}

void PlaintextSpace::prepare_integer(const Ring& ring) {
    const std::uint64_t t = t_.value();
    modulus_.emplace(t);
    if (t % (2 * ring.n()) == 1 && is_prime(t)) {
        batching_.emplace(ring.n(), *modulus_, ring.kernels());
    }
    for (std::size_t i = 0; i < ring.max_limbs(); ++i) {
        const Modulus& prime = ring.data().modulus(i);
        q_mod_t_.emplace_back(residue(ring.data().prefix(i + 1).product(), *modulus_), *modulus_);
        minus_inverse_t_.emplace_back(prime.negate(prime.inverse(prime.reduce(t))), prime);
    }
}

/// (x^k - b) sum_{j < N} b^(N-1-j) x^(kj) = x^n - b^N = -p for N = n/k, so -t(x)^-1 is that sum over p.
void PlaintextSpace::prepare_binomial(const Ring& ring) {
    const std::size_t n = ring.n();
    const std::size_t k = t_.power();
    const std::size_t limbs = ring.max_limbs();
    minus_inverse_values_ = RnsPolynomial(n, limbs, Form::coefficient);
    for (std::size_t i = 0; i < limbs; ++i) {
        const NttTables& tables = ring.data().tables(i);
        const Modulus& q = tables.modulus();
        const std::uint64_t b = q.reduce_signed(t_.base());
        std::uint64_t power = q.inverse(residue(slot_modulus_, q));
        for (std::size_t j = n / k; j-- > 0;) {
            minus_inverse_values_.limb(i)[k * j] = power;
            power = q.multiply(power, b);
        }
        tables.forward(minus_inverse_values_.limb_span(i));

        std::vector<Digit>& digits = q_digits_.emplace_back();
        const std::vector<std::int64_t> all = balanced_digits(ring.data().prefix(i + 1).product(), t_, n);
        for (std::size_t j = 0; j < all.size(); ++j) {
            if (all[j] != 0) {
                digits.push_back({k * j, all[j]});
            }
        }
    }
    minus_inverse_values_.set_form(Form::ntt);
}

const Modulus& PlaintextSpace::modulus() const {
    if (!modulus_) {
        throw Error("plaintext modulus: expected an integer, found " + to_string(t_) +
                    "; this operation knows integers only");
    }
    return *modulus_;
}

const NttTables& PlaintextSpace::batching_tables() const {
    if (!batching_) {
        throw Error("batching: t = " + to_string(t_) +
                    " is not a prime that is 1 modulo 2n; give plain_bits, and the library picks one that "
                    "is, or use a BinomialEncoder");
    }
    return *batching_;
}

std::uint64_t PlaintextSpace::scaled(const Ring& ring, std::uint64_t m, std::size_t limbs,
                                     std::size_t i) const {
    // round(Q m / t) = (Q m - [Q m]_t) / t with the centred remainder, and Q m is 0 modulo q_i.
    const Modulus& q = ring.data().modulus(i);
    const std::int64_t remainder = modulus().centre(q_mod_t_[limbs - 1].multiply(m, modulus_->value()));
    return minus_inverse_t_[i].multiply(q.reduce_signed(remainder), q.value());
}

void PlaintextSpace::add_scaled(const Ring& ring, const std::uint64_t* m, std::size_t limbs, std::size_t i,
                                std::uint64_t* limb, bool subtract, const std::uint64_t* dither) const {
    const Modulus& q = ring.data().modulus(i);
    const Kernels& kernels = ring.kernels();
    const std::size_t n = ring.n();
    const std::uint64_t t = modulus().value();
    Buffer words = Buffer::uninitialised(n, Secrecy::secret);
    kernels.multiply_scalar(words.data(), m, n, q_mod_t_[limbs - 1], *modulus_);
    // r = [Q m]_t rounds to u = floor((r + dither - floor(t/2)) / t), from -1 to 2, and r - t u is lifted
    // modulo q_i: no branch on the message.
    const std::uint64_t half = t / 2;
    const std::uint64_t minus_t = q.negate(q.reduce(t));
    const std::uint64_t plus_t = q.reduce(t);
    const auto below = [](std::uint64_t value, std::uint64_t limit) {
        return std::uint64_t{0} - ((value - limit) >> 63);
    };
    const auto to_nearest = [&](std::size_t j) { return ~below(words[j], half + 1) & minus_t; };
    const auto dithered = [&](std::size_t j) {
        const std::uint64_t value = words[j] + dither[j];
        return (below(value, half) & plus_t) + (~below(value, half + t) & minus_t) +
               (~below(value, half + 2 * t) & minus_t);  // at most 2 q
    };
    const auto lift = [&](const auto& rounded) {
        if (t <= q.value()) {
            for (std::size_t j = 0; j < n; ++j) {
                words[j] += rounded(j);  // < t + 2 q, below 2^52
            }
        } else {
            for (std::size_t j = 0; j < n; ++j) {
                words[j] = q.reduce(words[j]) + rounded(j);
            }
        }
    };
    if (dither == nullptr) {
        lift(to_nearest);
    } else {
        lift(dithered);
    }
    kernels.multiply_scalar(words.data(), words.data(), n, minus_inverse_t_[i], q);
    if (subtract) {
        kernels.subtract(limb, limb, words.data(), n, q);
    } else {
        kernels.add(limb, limb, words.data(), n, q);
    }
}

/// A short r, |r| <= 3/2 (|b| + 1), with Q_l m = r modulo t(x): (Q_l m - r) / t(x) is Q_l m / t(x), rounded.
/// First r' = Q_l m with the digits of Q_l, which is short but not short enough; then r = r' - t(x) u, u
/// being r' / t(x) with every coefficient rounded to the nearest integer or at random. The real y = r' / t(x)
/// follows from y_{j-k}
/// - b y_j = r'_j, upwards, where every step divides an error by b: started far enough below, it has
/// forgotten its start. Its error of 2^-52 |y|, y below 2^27, is a bias of that size; it never harms r's
/// being exact.
Buffer PlaintextSpace::remainder(const Plaintext& m, std::size_t limbs, const std::uint64_t* random) const {
    const std::size_t n = m.n();
    const std::size_t k = t_.power();
    const std::int64_t b = t_.base();
    Buffer result(n, Secrecy::secret);
    auto* const r = reinterpret_cast<std::int64_t*>(result.data());
    const auto* const message = reinterpret_cast<const std::int64_t*>(m.data());
    for (const Digit& digit : q_digits_[limbs - 1]) {
        for (std::size_t j = digit.shift; j < n; ++j) {
            r[j] += digit.value * message[j - digit.shift];
        }
        for (std::size_t j = 0; j < digit.shift; ++j) {
            r[j] -= digit.value * message[n + j - digit.shift];
        }
    }
    // Row j holds the k coefficients from kj on; below row 0 lie the negated rows from the top.
    const std::size_t rows = n / k;
    const double inverse = 1.0 / static_cast<double>(b);
    const auto warm = static_cast<std::size_t>(std::ceil(60 / std::log2(std::abs(static_cast<double>(b)))));
    Buffer quotients = Buffer::uninitialised(n, Secrecy::secret);
    auto* const u = reinterpret_cast<std::int64_t*>(quotients.data());
    Buffer y(k, Secrecy::secret);  // a row of doubles; 0.0 is all zeros
    const auto fraction = [](std::uint64_t word) { return static_cast<double>(word >> 11) * 0x1p-53; };
    const auto advance = [&](std::size_t j, std::int64_t value) {
        const double next = (std::bit_cast<double>(y[j]) - static_cast<double>(value)) * inverse;
        y[j] = std::bit_cast<std::uint64_t>(next);
        return next;
    };
    for (std::size_t step = 0; step < warm; ++step) {
        const std::size_t below = warm - step;  // row -below
        const bool negated = (below + rows - 1) / rows % 2 == 1;
        const std::int64_t* const source = r + (rows - 1 - (below - 1) % rows) * k;
        for (std::size_t j = 0; j < k; ++j) {
            advance(j, negated ? -source[j] : source[j]);
        }
    }
    for (std::size_t begin = 0; begin < n; begin += k) {
        for (std::size_t j = 0; j < k; ++j) {
            const double up =
                random == nullptr ? 0.5 : fraction(random[begin + j]) + fraction(random[n + begin + j]) - 0.5;
            const double shifted = advance(j, r[begin + j]) + up;
            const auto truncated = static_cast<std::int64_t>(shifted);
            u[begin + j] = truncated - (static_cast<double>(truncated) > shifted ? 1 : 0);
        }
    }
    for (std::size_t j = 0; j < n; ++j) {
        r[j] += b * u[j] - (j < k ? -u[n + j - k] : u[j - k]);
    }
    return result;
}

void PlaintextSpace::add_scaled(const Ring& ring, const Plaintext& m, RnsPolynomial& c, bool subtract,
                                const std::uint64_t* random) const {
    const std::size_t n = ring.n();
    const std::size_t limbs = c.limbs();
    const Kernels& kernels = ring.kernels();
    Buffer words;
    if (!t_.is_integer()) {
        words = remainder(m, limbs, random);
    } else if (random != nullptr) {
        // Two uniform integers in [0, t); an even t has its half between two integers, hence the coin.
        const std::uint64_t coin = 1 - t_.value() % 2;
        const auto uniform = [&](std::uint64_t word) {
            return static_cast<std::uint64_t>((uint128_t{word} * t_.value()) >> 64);
        };
        words = Buffer::uninitialised(n, Secrecy::secret);
        for (std::size_t j = 0; j < n; ++j) {
            words[j] = uniform(random[j]) + uniform(random[n + j]) + (random[j] & coin);
        }
    }
    const bool coefficients = c.form() == Form::coefficient;
    if (t_.is_integer() && coefficients) {
        for (std::size_t i = 0; i < limbs; ++i) {
            add_scaled(ring, m.data(), limbs, i, c.limb(i), subtract,
                       random == nullptr ? nullptr : words.data());
        }
        return;
    }
    Buffer row = Buffer::uninitialised(n, Secrecy::secret);
    for (std::size_t i = 0; i < limbs; ++i) {
        const NttTables& tables = ring.data().tables(i);
        const Modulus& q = tables.modulus();
        if (t_.is_integer()) {
            std::fill_n(row.data(), n, 0);
            add_scaled(ring, m.data(), limbs, i, row.data(), false,
                       random == nullptr ? nullptr : words.data());
            tables.forward(row.span());
        } else {
            kernels.from_signed(row.data(), words.data(), n, q);
            tables.forward(row.span());
            kernels.multiply(row.data(), row.data(), minus_inverse_values_.limb(i), n, q);
            if (coefficients) {
                tables.inverse(row.span());
            }
        }
        if (subtract) {
            kernels.subtract(c.limb(i), c.limb(i), row.data(), n, q);
        } else {
            kernels.add(c.limb(i), c.limb(i), row.data(), n, q);
        }
    }
}

/// For a binomial, first f = z / Q_l modulo 1 as an integer in [-2^48, 2^48] over 2^49, then the rounded
/// coefficients f_{j-k} - b f_j of t(x) f.
Plaintext PlaintextSpace::scaled_to_plain(const Ring& ring, const RnsPolynomial& z) const {
    const std::size_t n = ring.n();
    std::vector<const std::uint64_t*> rows;
    for (std::size_t i = 0; i < z.limbs(); ++i) {
        rows.push_back(z.limb(i));
    }
    Plaintext plaintext(n, t_);
    const ScalerToPlain& scaler = plain_scalers_[z.limbs() - 1];
    if (t_.is_integer()) {
        scaler.scale(rows, plaintext.data(), n);
        return plaintext;
    }
    Buffer fractions = Buffer::uninitialised(n, Secrecy::secret);
    scaler.scale(rows, fractions.data(), n);
    constexpr int unused = 64 - fraction_bits;
    auto* const f = reinterpret_cast<std::int64_t*>(fractions.data());
    for (std::size_t j = 0; j < n; ++j) {
        f[j] = static_cast<std::int64_t>(fractions[j] << unused) >> unused;
    }
    const std::size_t k = t_.power();
    const std::int64_t b = t_.base();
    for (std::size_t j = 0; j < n; ++j) {
        const std::int64_t below = j < k ? -f[n + j - k] : f[j - k];
        const int128_t value = below - int128_t{b} * f[j] + (int128_t{1} << (fraction_bits - 1));
        plaintext[j] = static_cast<std::uint64_t>(value >> fraction_bits);
    }
    return plaintext;
}

Context::Context(const Parameters& parameters, const Kernels& kernels) {
    const Parameters resolved = resolve(parameters);
    ring_ = std::make_shared<const Ring>(resolved, kernels);
    for (const PlainModulus& t : all_plain_moduli(resolved)) {
        spaces_.push_back(std::make_shared<const PlaintextSpace>(*ring_, t));
    }
}

namespace {

std::vector<std::uint64_t> primes_of(const RnsBasis& basis) {
    std::vector<std::uint64_t> primes;
    for (std::size_t i = 0; i < basis.size(); ++i) {
        primes.push_back(basis.modulus(i).value());
    }
    return primes;
}

/// What the scheme asks of a ring that somebody else made, and of the moduli over it: all that resolve() asks
/// of parameters, but for their security, which is the ring's.
Parameters over_ring(const std::shared_ptr<const Ring>& ring, const std::vector<std::uint64_t>& plain_moduli,
                     const std::vector<PlainModulus>& plain_polynomials) {
    if (ring == nullptr) {
        throw Error("context: expected a ring, found none; make it first");
    }
    return resolve({.n = ring->n(),
                    .data_primes = primes_of(ring->data()),
                    .special_primes = primes_of(ring->special()),
                    .digit_limbs = ring->digit_limbs(),
                    .plain_moduli = plain_moduli,
                    .plain_polynomials = plain_polynomials,
                    .allow_insecure = true});
}

}  // namespace

Context::Context(std::shared_ptr<const Ring> ring, const std::vector<std::uint64_t>& plain_moduli,
                 const std::vector<PlainModulus>& plain_polynomials) {
    const Parameters resolved = over_ring(ring, plain_moduli, plain_polynomials);
    ring_ = std::move(ring);
    for (const PlainModulus& t : all_plain_moduli(resolved)) {
        spaces_.push_back(std::make_shared<const PlaintextSpace>(*ring_, t));
    }
}

const std::shared_ptr<const PlaintextSpace>& Context::shared_plain(std::size_t index) const {
    if (index >= spaces_.size()) {
        throw Error("context: expected a plaintext modulus number below " + std::to_string(spaces_.size()) +
                    ", found " + std::to_string(index));
    }
    return spaces_[index];
}

const PlaintextSpace& Context::plain_for(const PlainModulus& t) const {
    for (const std::shared_ptr<const PlaintextSpace>& space : spaces_) {
        if (space->t() == t) {
            return *space;
        }
    }
    throw Error("context: it has no plaintext modulus " + to_string(t) +
                "; the ciphertext or plaintext was made under other parameters");
}

}  // namespace lacuna
