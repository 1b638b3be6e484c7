// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/slot_codec.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <string>
#include <utility>

#include <lacuna/ntt/error.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

namespace {

template <std::size_t Words>
std::array<std::uint64_t, Words> words_of(const mpz_class& x) {
    std::array<std::uint64_t, Words> words{};
    mpz_export(words.data(), nullptr, -1, sizeof(std::uint64_t), 0, 0, x.get_mpz_t());
    return words;
}

template <std::size_t Words>
std::array<std::uint64_t, Words> load(std::span<const std::uint64_t> words, std::size_t i) {
    std::array<std::uint64_t, Words> value;
    std::copy_n(words.data() + i * Words, Words, value.begin());
    return value;
}

template <std::size_t Words>
void store(std::span<std::uint64_t> words, std::size_t i, const std::array<std::uint64_t, Words>& value) {
    std::copy_n(value.begin(), Words, words.data() + i * Words);
}

mpz_class power_modulo(const mpz_class& base, const mpz_class& exponent, const mpz_class& p) {
    mpz_class result;
    mpz_powm(result.get_mpz_t(), base.get_mpz_t(), exponent.get_mpz_t(), p.get_mpz_t());
    return result;
}

mpz_class inverse_modulo(const mpz_class& x, const mpz_class& p) {
    mpz_class result;
    mpz_invert(result.get_mpz_t(), x.get_mpz_t(), p.get_mpz_t());
    return result;
}

/// a - b where that is not negative, else a, without a branch.
template <std::size_t Words>
std::array<std::uint64_t, Words> reduce_once(const std::array<std::uint64_t, Words>& a,
                                             const std::array<std::uint64_t, Words>& b) {
    std::array<std::uint64_t, Words> difference;
    std::uint64_t borrow = 0;
    for (std::size_t w = 0; w < Words; ++w) {
        const uint128_t wide = uint128_t{a[w]} - b[w] - borrow;
        difference[w] = static_cast<std::uint64_t>(wide);
        borrow = static_cast<std::uint64_t>(wide >> 64) & 1;
    }
    const std::uint64_t keep = std::uint64_t{0} - borrow;
    for (std::size_t w = 0; w < Words; ++w) {
        difference[w] = (a[w] & keep) | (difference[w] & ~keep);
    }
    return difference;
}

template <std::size_t Words>
std::array<std::uint64_t, Words> sum_of(const std::array<std::uint64_t, Words>& a,
                                        const std::array<std::uint64_t, Words>& b) {
    std::array<std::uint64_t, Words> sum;
    std::uint64_t carry = 0;
    for (std::size_t w = 0; w < Words; ++w) {
        const uint128_t wide = uint128_t{a[w]} + b[w] + carry;
        sum[w] = static_cast<std::uint64_t>(wide);
        carry = static_cast<std::uint64_t>(wide >> 64);
    }
    return sum;
}

/// The smallest k-th root of b modulo p. It is a primitive 2n-th root of unity.
mpz_class smallest_root(std::size_t n, const PlainModulus& t, const mpz_class& p) {
    const std::size_t k = t.power();
    const std::size_t rows = n / k;
    mpz_class base = static_cast<long>(t.base());
    base = (base + p) % p;
    mpz_class root;
    for (mpz_class g = 2; power_modulo(root, to_mpz(n), p) != p - 1; ++g) {
        root = power_modulo(g, (p - 1) / to_mpz(2 * n), p);
    }
    // The k-th power of root^u is b for one odd u < 2 rows.
    const mpz_class step = power_modulo(root, to_mpz(2 * k), p);
    mpz_class power = power_modulo(root, to_mpz(k), p);
    std::size_t u = 1;
    for (; power != base; u += 2) {
        if (u >= 2 * rows) {
            throw Error("slots: " + to_string(t) + " does not split modulo its p; p must be b^(n/k) + 1");
        }
        power = power * step % p;
    }
    root = power_modulo(root, to_mpz(u), p);
    const mpz_class turn = power_modulo(root, to_mpz(2 * rows), p);  // the way to its k - 1 companions
    mpz_class smallest = root;
    for (std::size_t i = 1; i < k; ++i) {
        root = root * turn % p;
        smallest = std::min(smallest, root);
    }
    return smallest;
}

}  // namespace

template <std::size_t Words>
SlotCodec<Words>::SlotCodec(std::size_t n, const PlainModulus& t, const mpz_class& p, const Kernels& kernels)
    : n_(n),
      k_(t.power()),
      base_(static_cast<std::uint64_t>(std::abs(t.base()))),
      alternating_(t.base() < 0),
      reciprocal_(static_cast<std::uint64_t>((uint128_t{1} << 64) / base_)),
      bound_(static_cast<std::uint64_t>(t.coefficient_bound())),
      low_((base_ - 1) / 2),
      p_(words_of<Words>(p)),
      positions_(k_) {
    if (Words > 1 && mpz_sizeinbase(p.get_mpz_t(), 2) <= max_modulus_bits) {
        throw Error("slots: expected a prime of more than " + std::to_string(max_modulus_bits) +
                    " bits, found one of " + std::to_string(mpz_sizeinbase(p.get_mpz_t(), 2)) +
                    "; its values take one word each");
    }
    if (mpz_sizeinbase(p.get_mpz_t(), 2) + 3 > 64 * Words) {
        throw Error("slots: expected a prime of at most " + std::to_string(64 * Words - 3) + " bits");
    }
    if (mpz_sizeinbase(p.get_mpz_t(), 2) <= max_modulus_bits) {
        modulus_.emplace(to_word(p));
    }
    minus_inverse_ = 1;
    for (int i = 0; i < 6; ++i) {  // Newton: from 1 correct bit (p is odd) to 64
        minus_inverse_ *= 2 - p_[0] * minus_inverse_;
    }
    minus_inverse_ = std::uint64_t{0} - minus_inverse_;
    square_ = to_montgomery(mpz_class(1) << (64 * Words), p);
    const mpz_class ones = (p - 2) / to_mpz(base_ - 1);  // sum_{j < N} |b|^j
    offset_ = words_of<Words>(mpz_class(to_mpz(low_) * ones % p));
    bias_ = words_of<Words>(mpz_class(p - to_mpz(bound_) * ones % p));

    const mpz_class zeta = smallest_root(n, t, p);
    const std::size_t rows = n / k_;
    std::vector<std::uint32_t> slot_of_exponent(k_);  // [(e - 1) / 2N], of zeta^e
    std::uint64_t exponent = 1;
    for (std::size_t j = 0; j < k_; ++j) {
        slot_of_exponent[(exponent - 1) / (2 * rows)] = static_cast<std::uint32_t>(j);
        exponent = exponent * (1 + 2 * rows) % (2 * n);
    }
    if (modulus_ && k_ >= min_ntt_size) {
        prepare_kernels(to_word(zeta), slot_of_exponent, kernels);
    } else {
        prepare_butterflies(zeta, p, slot_of_exponent);
    }
}

template <std::size_t Words>
void SlotCodec<Words>::prepare_kernels(std::uint64_t zeta, std::span<const std::uint32_t> slot_of_exponent,
                                       const Kernels& kernels) {
    const Modulus& modulus = *modulus_;
    tables_.emplace(k_, modulus, kernels);
    // a(x zeta / psi) transformed is a at zeta psi^(2u), u the reversed index, and psi^2 = zeta^(2N w).
    const std::uint64_t psi = tables_->root();
    const std::uint64_t ratio = modulus.multiply(zeta, modulus.inverse(psi));
    const std::uint64_t ratio_back = modulus.inverse(ratio);
    twist_ = Buffer::uninitialised(k_);
    twist_back_ = Buffer::uninitialised(k_);
    twist_[0] = twist_back_[0] = 1;
    for (std::size_t i = 1; i < k_; ++i) {
        twist_[i] = modulus.multiply(twist_[i - 1], ratio);
        twist_back_[i] = modulus.multiply(twist_back_[i - 1], ratio_back);
    }
    const std::uint64_t square = modulus.multiply(psi, psi);
    const std::uint64_t zeta_turn = modulus.power(zeta, 2 * (n_ / k_));
    std::uint64_t candidate = 1;
    std::size_t w = 0;
    for (; candidate != square; ++w) {
        candidate = modulus.multiply(candidate, zeta_turn);
    }
    const int log_k = std::countr_zero(k_);
    for (std::size_t i = 0; i < k_; ++i) {
        const std::size_t place = w * reverse_bits(static_cast<std::uint32_t>(i), log_k) % k_;
        positions_[slot_of_exponent[place]] = static_cast<std::uint32_t>(i);
    }
}

template <std::size_t Words>
void SlotCodec<Words>::prepare_butterflies(const mpz_class& zeta, const mpz_class& p,
                                           std::span<const std::uint32_t> slot_of_exponent) {
    // x^(k/m) - zeta^E, from m = 1 and E = k, splits at zeta^(E/2) and zeta^(E/2 + n) = -zeta^(E/2).
    std::vector<mpz_class> powers = {1};  // of zeta, up to 2n
    for (std::size_t i = 1; i < 2 * n_; ++i) {
        powers.push_back(powers.back() * zeta % p);
    }
    twiddles_.resize(k_);
    twiddles_back_.resize(k_);
    std::vector<std::size_t> exponents = {k_};
    for (std::size_t m = 1; m < k_; m *= 2) {
        std::vector<std::size_t> halves;
        for (std::size_t i = 0; i < m; ++i) {
            const std::size_t half = exponents[i] / 2;
            twiddles_[m + i] = to_montgomery(powers[half], p);
            twiddles_back_[m + i] = to_montgomery(powers[(2 * n_ - half) % (2 * n_)], p);
            halves.push_back(half);
            halves.push_back(half + n_);
        }
        exponents = std::move(halves);
    }
    for (std::size_t i = 0; i < k_; ++i) {
        positions_[slot_of_exponent[(exponents[i] - 1) / (2 * (n_ / k_))]] = static_cast<std::uint32_t>(i);
    }
    scale_ = to_montgomery(inverse_modulo(to_mpz(k_), p), p);
}

template <std::size_t Words>
typename SlotCodec<Words>::Value SlotCodec<Words>::to_montgomery(const mpz_class& x,
                                                                 const mpz_class& p) const {
    return words_of<Words>(mpz_class((x << (64 * Words)) % p));
}

/// a b 2^(-64 Words) mod p: Montgomery's product, word by word. One operand may be any below 8p, or any
/// single word.
template <std::size_t Words>
typename SlotCodec<Words>::Value SlotCodec<Words>::multiply(const Value& a, const Value& b) const {
    std::array<std::uint64_t, Words + 1> sum{};
    for (std::size_t i = 0; i < Words; ++i) {
        std::uint64_t carry = 0;
        for (std::size_t j = 0; j < Words; ++j) {
            const uint128_t wide = uint128_t{a[j]} * b[i] + sum[j] + carry;
            sum[j] = static_cast<std::uint64_t>(wide);
            carry = static_cast<std::uint64_t>(wide >> 64);
        }
        sum[Words] += carry;  // the sum stays below 2^(64 Words + 62)
        const std::uint64_t factor = sum[0] * minus_inverse_;
        carry = static_cast<std::uint64_t>((uint128_t{factor} * p_[0] + sum[0]) >> 64);
        for (std::size_t j = 1; j < Words; ++j) {
            const uint128_t wide = uint128_t{factor} * p_[j] + sum[j] + carry;
            sum[j - 1] = static_cast<std::uint64_t>(wide);
            carry = static_cast<std::uint64_t>(wide >> 64);
        }
        const uint128_t wide = uint128_t{sum[Words]} + carry;
        sum[Words - 1] = static_cast<std::uint64_t>(wide);
        sum[Words] = static_cast<std::uint64_t>(wide >> 64);
    }
    Value result;
    std::copy_n(sum.begin(), Words, result.begin());
    return reduce_once(result, p_);
}

template <std::size_t Words>
typename SlotCodec<Words>::Value SlotCodec<Words>::add(const Value& a, const Value& b) const {
    return reduce_once(sum_of(a, b), p_);
}

/// a - b, as a + (p - b).
template <std::size_t Words>
typename SlotCodec<Words>::Value SlotCodec<Words>::subtract(const Value& a, const Value& b) const {
    return add(a, reduce_once(p_, b));
}

/// Cooley-Tukey: a block a_0 + x^h a_1 modulo x^(2h) - w^2 becomes a_0 +- w a_1.
template <std::size_t Words>
void SlotCodec<Words>::transform(std::span<std::uint64_t> values) const {
    for (std::size_t m = 1; m < k_; m *= 2) {
        const std::size_t half = k_ / (2 * m);
        for (std::size_t i = 0; i < m; ++i) {
            for (std::size_t j = 2 * i * half; j < (2 * i + 1) * half; ++j) {
                const Value product = multiply(load<Words>(values, j + half), twiddles_[m + i]);
                const Value low = load<Words>(values, j);
                store(values, j, add(low, product));
                store(values, j + half, subtract(low, product));
            }
        }
    }
}

template <std::size_t Words>
void SlotCodec<Words>::transform_back(std::span<std::uint64_t> values) const {
    for (std::size_t m = k_ / 2; m >= 1; m /= 2) {
        const std::size_t half = k_ / (2 * m);
        for (std::size_t i = 0; i < m; ++i) {
            for (std::size_t j = 2 * i * half; j < (2 * i + 1) * half; ++j) {
                const Value low = load<Words>(values, j);
                const Value high = load<Words>(values, j + half);
                store(values, j, add(low, high));
                store(values, j + half, multiply(subtract(low, high), twiddles_back_[m + i]));
            }
        }
    }
    for (std::size_t i = 0; i < k_; ++i) {
        store(values, i, multiply(load<Words>(values, i), scale_));
    }
}

/// Digits of value + sum_j low b^j, base |b|, minus low. The one residue that needs a carry behind the last
/// digit, b^N = p - 1, is written as b^N - 1 with one more in digit 0.
template <std::size_t Words>
void SlotCodec<Words>::write_digits(const Value& value, std::uint64_t* digits) const {
    const std::size_t rows = n_ / k_;
    Value rest = add(value, offset_);
    std::uint64_t different = (rest[0] + 1) ^ p_[0];  // p is odd, so p - 1 differs from it in one bit
    for (std::size_t w = 1; w < Words; ++w) {
        different |= rest[w] ^ p_[w];
    }
    const std::uint64_t extra = 1 ^ ((different | (std::uint64_t{0} - different)) >> 63);
    rest[0] -= extra;  // p - 1 is even: where it is 0 in the lowest word there is a borrow
    if constexpr (Words > 1) {
        std::uint64_t borrow = extra & static_cast<std::uint64_t>(rest[0] == ~std::uint64_t{0});
        for (std::size_t w = 1; w < Words; ++w) {
            const std::uint64_t before = rest[w];
            rest[w] -= borrow;
            borrow &= static_cast<std::uint64_t>(before == 0);
        }
    }
    const auto divide = [this](std::uint64_t x, std::uint64_t& remainder) {  // Barrett, at most 1 too low
        auto quotient = static_cast<std::uint64_t>((uint128_t{x} * reciprocal_) >> 64);
        remainder = x - quotient * base_;
        const std::uint64_t above = 1 - ((remainder - base_) >> 63);
        remainder -= base_ & (std::uint64_t{0} - above);
        return quotient + above;
    };
    for (std::size_t j = 0; j < rows; ++j) {
        std::uint64_t remainder = 0;
        if constexpr (Words == 1) {
            rest[0] = divide(rest[0], remainder);
        } else {
            for (std::size_t w = Words; w-- > 0;) {
                const std::uint64_t high = divide(remainder << 32 | rest[w] >> 32, remainder);
                const std::uint64_t low = divide(remainder << 32 | (rest[w] & 0xffffffffU), remainder);
                rest[w] = high << 32 | low;
            }
        }
        digits[j * k_] = remainder - low_ + (j == 0 ? extra : 0);
    }
    if (base_ == 2) {  // non-adjacent, as balanced_digits()
        std::int64_t carry = 0;
        for (std::size_t j = 0; j < rows; ++j) {
            const std::int64_t sum = static_cast<std::int64_t>(digits[j * k_]) + carry;
            const std::int64_t next = j + 1 < rows ? static_cast<std::int64_t>(digits[(j + 1) * k_]) : 0;
            const std::int64_t digit = (sum & 1) * (1 - 2 * next);
            carry = (sum - digit) / 2;
            digits[j * k_] = static_cast<std::uint64_t>(digit);
        }
        digits[0] -= static_cast<std::uint64_t>(carry);
    }
    for (std::size_t j = 1; alternating_ && j < rows; j += 2) {
        digits[j * k_] = std::uint64_t{0} - digits[j * k_];
    }
}

/// sum_j (d_j + bound) |b|^j < 4p, then minus what the bounds add.
template <std::size_t Words>
typename SlotCodec<Words>::Value SlotCodec<Words>::read_digits(const std::uint64_t* digits) const {
    Value sum{};
    for (std::size_t j = n_ / k_; j-- > 0;) {
        const std::uint64_t digit =
            alternating_ && j % 2 == 1 ? std::uint64_t{0} - digits[j * k_] : digits[j * k_];
        std::uint64_t carry = digit + bound_;
        for (std::size_t w = 0; w < Words; ++w) {
            const uint128_t wide = uint128_t{sum[w]} * base_ + carry;
            sum[w] = static_cast<std::uint64_t>(wide);
            carry = static_cast<std::uint64_t>(wide >> 64);
        }
    }
    sum = sum_of(sum, bias_);  // below 5p
    const Value twice = sum_of(p_, p_);
    return reduce_once(reduce_once(reduce_once(sum, sum_of(twice, twice)), twice), p_);
}

template <std::size_t Words>
typename SlotCodec<Words>::Value SlotCodec<Words>::reduced(std::int64_t x) const {
    Value value{};
    if (modulus_) {
        value[0] = modulus_->reduce_signed(x);
        return value;
    }
    const std::uint64_t negative = std::uint64_t{0} - (static_cast<std::uint64_t>(x) >> 63);
    value[0] = (static_cast<std::uint64_t>(x) ^ negative) - negative;
    value = multiply(multiply(value, square_), Value{1});  // any word is below 8p, or the only one
    const Value negated = subtract(Value{}, value);
    for (std::size_t w = 0; w < Words; ++w) {
        value[w] = (value[w] & ~negative) | (negated[w] & negative);
    }
    return value;
}

template <std::size_t Words>
std::int64_t SlotCodec<Words>::centred(const Value& value, std::uint64_t& wide) const {
    const Value negated = subtract(Value{}, value);
    // The smaller one of value and p - value: 2 value < p where value - (p - value) borrows.
    std::uint64_t borrow = 0;
    for (std::size_t w = 0; w < Words; ++w) {
        const uint128_t difference = uint128_t{value[w]} - negated[w] - borrow;
        borrow = static_cast<std::uint64_t>(difference >> 64) & 1;
    }
    const std::uint64_t positive = std::uint64_t{0} - borrow;
    const std::uint64_t magnitude = (value[0] & positive) | (negated[0] & ~positive);
    for (std::size_t w = 1; w < Words; ++w) {
        wide |= (value[w] & positive) | (negated[w] & ~positive);
    }
    wide |= magnitude >> 63;
    return static_cast<std::int64_t>((magnitude ^ ~positive) - ~positive);
}

template <std::size_t Words>
void SlotCodec<Words>::encode(std::span<const std::uint64_t> values, std::uint64_t* digits) const {
    Buffer buffer = Buffer::uninitialised(k_ * Words, Secrecy::secret);
    for (std::size_t j = 0; j < k_; ++j) {
        std::copy_n(values.data() + j * Words, Words, buffer.data() + positions_[j] * Words);
    }
    if (tables_) {
        tables_->inverse(buffer.span());
        tables_->kernels().multiply(buffer.data(), buffer.data(), twist_back_.data(), k_, tables_->modulus());
    } else {
        transform_back(buffer.span());
    }
    for (std::size_t i = 0; i < k_; ++i) {
        write_digits(load<Words>(buffer.span(), i), digits + i);
    }
}

template <std::size_t Words>
void SlotCodec<Words>::decode(const std::uint64_t* digits, std::span<std::uint64_t> values) const {
    Buffer buffer = Buffer::uninitialised(k_ * Words, Secrecy::secret);
    for (std::size_t i = 0; i < k_; ++i) {
        store(buffer.span(), i, read_digits(digits + i));
    }
    if (tables_) {
        tables_->kernels().multiply(buffer.data(), buffer.data(), twist_.data(), k_, tables_->modulus());
        tables_->forward(buffer.span());
    } else {
        transform(buffer.span());
    }
    for (std::size_t j = 0; j < k_; ++j) {
        std::copy_n(buffer.data() + positions_[j] * Words, Words, values.data() + j * Words);
    }
}

template class SlotCodec<1>;
template class SlotCodec<2>;
template class SlotCodec<3>;
template class SlotCodec<4>;
template class SlotCodec<8>;

}  // namespace lacuna
