// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/evaluation/evaluator.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include <lacuna/he/evaluation/product_tables.h>
#include <lacuna/he/fv/ciphertext_size.h>
#include <lacuna/he/fv/rotation.h>
#include <lacuna/he/rlwe/key_switch.h>
#include <lacuna/ntt/error.h>
#include <lacuna/rns/ring_operations.h>
#include <lacuna/rns/sparse_map.h>

namespace lacuna {

namespace {

/// The same header, no parts yet.
Ciphertext like(const Ciphertext& a) {
    Ciphertext result;
    result.ring = a.ring;
    result.t = a.t;
    return result;
}

void check_keys(const char* operation, const Ring& ring, const GaloisKeys& keys) {
    if (keys.ring != ring.hash()) {
        throw Error(std::string(operation) +
                    ": the Galois keys belong to other parameters; load them with their own");
    }
}

/// out = a b over the limbs of a; b may have more. out may be a.
void multiply_limbs(const Ring& ring, const RnsPolynomial& a, const RnsPolynomial& b, RnsPolynomial& out) {
    for (std::size_t i = 0; i < a.limbs(); ++i) {
        ring.kernels().multiply(out.limb(i), a.limb(i), b.limb(i), ring.n(), ring.data().modulus(i));
    }
}

template <typename Operation>
Ciphertext map_parts(const Ciphertext& a, const Operation& operation) {
    Ciphertext result = like(a);
    for (const RnsPolynomial& part : a.parts) {
        result.parts.push_back(RnsPolynomial::uninitialised(part.n(), part.limbs(), part.form()));
        operation(part, result.parts.back());
    }
    return result;
}

}  // namespace

Evaluator::Evaluator(Context context)
    : context_(std::move(context)), products_(std::make_shared<const ProductTables>(context_)) {}

// ---- checks

void Evaluator::check(const char* operation, const Ciphertext& a) const {
    const Ring& ring = context_.ring();
    if (a.ring != ring.hash()) {
        throw Error(std::string(operation) +
                    ": the ciphertext belongs to other parameters; load it with its own");
    }
    if (a.size() < 2 || a.size() > max_ciphertext_parts || a.limbs() == 0 || a.limbs() > ring.max_limbs() ||
        a.n() != ring.n()) {
        throw Error(std::string(operation) + ": expected 2 to " + std::to_string(max_ciphertext_parts) +
                    " parts with 1 ... " + std::to_string(ring.max_limbs()) + " limbs, found " +
                    std::to_string(a.size()) + " parts with " + std::to_string(a.limbs()) + " limbs");
    }
    for (const RnsPolynomial& part : a.parts) {
        if (part.limbs() != a.limbs() || part.form() != a.form() || part.n() != a.n()) {
            throw Error(std::string(operation) + ": the parts of the ciphertext differ in level or form");
        }
    }
}

void Evaluator::check_pair(const char* operation, const Ciphertext& a, const Ciphertext& b) const {
    check(operation, a);
    check(operation, b);
    if (a.t != b.t) {
        throw Error(std::string(operation) + ": the plaintext moduli differ: " + to_string(a.t) + " and " +
                    to_string(b.t) + "; operands must share one");
    }
    if (a.limbs() != b.limbs()) {
        throw Error(std::string(operation) + ": the levels differ: " + std::to_string(a.limbs()) + " and " +
                    std::to_string(b.limbs()) + " limbs; call mod_switch_to on the higher one");
    }
    if (a.form() != b.form()) {
        throw Error(std::string(operation) +
                    ": one operand is in NTT form, the other is not; call to_ntt or "
                    "to_coefficients on one of them");
    }
}

void Evaluator::check_plain(const char* operation, const Ciphertext& a, const Plaintext& b) const {
    check(operation, a);
    if (b.n() != context_.n() || b.t() != a.t) {
        throw Error(std::string(operation) + ": expected a plaintext of " + std::to_string(context_.n()) +
                    " coefficients modulo " + to_string(a.t) + ", found " + std::to_string(b.n()) +
                    " modulo " + to_string(b.t()));
    }
    (void)context_.plain_for(a.t);
    lacuna::check_coefficients(operation, b);
}

void Evaluator::check_size_two(const char* operation, const Ciphertext& a) const {
    if (a.size() != 2) {
        throw Error(std::string(operation) + ": expected a ciphertext of size 2, found size " +
                    std::to_string(a.size()) + "; relinearize it first");
    }
}

void Evaluator::check_coefficients(const char* operation, const Ciphertext& a) const {
    if (a.form() != Form::coefficient) {
        throw Error(std::string(operation) +
                    ": expected coefficient form, found NTT form; call to_coefficients first");
    }
}

void Evaluator::check_drop(const char* operation, const Ciphertext& a, std::size_t drop) const {
    if (drop > 1 || drop >= a.limbs()) {
        throw Error(std::string(operation) + ": expected to drop 0 primes, or 1 of at least 2, found " +
                    std::to_string(drop) + " of " + std::to_string(a.limbs()));
    }
}

// ---- linear operations

Ciphertext Evaluator::add(const Ciphertext& a, const Ciphertext& b) const {
    check_pair("add", a, b);
    const Ciphertext& longer = a.size() >= b.size() ? a : b;
    Ciphertext result = like(a);
    for (std::size_t k = 0; k < longer.size(); ++k) {
        if (k >= std::min(a.size(), b.size())) {
            result.parts.push_back(longer.parts[k]);
            continue;
        }
        result.parts.push_back(RnsPolynomial::uninitialised(a.n(), a.limbs(), a.form()));
        lacuna::add(context_.ring().data(), a.parts[k], b.parts[k], result.parts.back());
    }
    return result;
}

Ciphertext Evaluator::add(Ciphertext&& a, const Ciphertext& b) const {
    check_pair("add", a, b);
    for (std::size_t k = 0; k < b.size(); ++k) {
        if (k >= a.size()) {
            a.parts.push_back(b.parts[k]);
        } else {
            lacuna::add(context_.ring().data(), a.parts[k], b.parts[k], a.parts[k]);
        }
    }
    return std::move(a);
}

Ciphertext Evaluator::subtract(const Ciphertext& a, const Ciphertext& b) const {
    check_pair("subtract", a, b);
    const RnsBasis& basis = context_.ring().data();
    Ciphertext result = like(a);
    for (std::size_t k = 0; k < std::max(a.size(), b.size()); ++k) {
        if (k >= b.size()) {
            result.parts.push_back(a.parts[k]);
            continue;
        }
        result.parts.push_back(RnsPolynomial::uninitialised(a.n(), a.limbs(), a.form()));
        if (k >= a.size()) {
            lacuna::negate(basis, b.parts[k], result.parts.back());
        } else {
            lacuna::subtract(basis, a.parts[k], b.parts[k], result.parts.back());
        }
    }
    return result;
}

Ciphertext Evaluator::negate(const Ciphertext& a) const {
    check("negate", a);
    return map_parts(a, [this](const RnsPolynomial& part, RnsPolynomial& out) {
        lacuna::negate(context_.ring().data(), part, out);
    });
}

Ciphertext Evaluator::combine_plain(Ciphertext a, const Plaintext& b, bool subtract) const {
    context_.plain_for(a.t).add_scaled(context_.ring(), b, a.parts[0], subtract);
    return a;
}

Ciphertext Evaluator::add_plain(Ciphertext a, const Plaintext& b) const {
    check_plain("add_plain", a, b);
    return combine_plain(std::move(a), b, false);
}

Ciphertext Evaluator::subtract_plain(Ciphertext a, const Plaintext& b) const {
    check_plain("subtract_plain", a, b);
    return combine_plain(std::move(a), b, true);
}

// ---- products with plaintexts

namespace {

/// What no centred coefficient of a plaintext exceeds in absolute value.
std::uint64_t largest_coefficient(const PlainModulus& t) {
    return t.is_integer() ? t.value() / 2 : static_cast<std::uint64_t>(t.coefficient_bound());
}

}  // namespace

PreparedPlaintext Evaluator::prepare_over(const Plaintext& b, std::size_t limbs, bool with_special) const {
    const Ring& ring = context_.ring();
    if (b.n() != ring.n() || limbs == 0 || limbs > ring.max_limbs()) {
        throw Error("prepare: expected a plaintext of " + std::to_string(ring.n()) +
                    " coefficients and 1 ... " + std::to_string(ring.max_limbs()) + " limbs, found " +
                    std::to_string(b.n()) + " and " + std::to_string(limbs));
    }
    lacuna::check_coefficients("prepare", b);
    PreparedPlaintext prepared;
    prepared.t = context_.plain_for(b.t()).t();
    prepared.data_limbs = limbs;
    const std::size_t count = limbs + (with_special ? ring.special().size() : 0);
    prepared.values = RnsPolynomial::uninitialised(ring.n(), count, Form::coefficient);
    Buffer centred = Buffer::uninitialised(ring.n(), Secrecy::secret);
    for (std::size_t j = 0; j < ring.n(); ++j) {
        centred[j] = static_cast<std::uint64_t>(b.centred(j));
    }
    for (std::size_t i = 0; i < count; ++i) {
        const NttTables& tables = ring.key_basis().tables(extended_prime(ring, limbs, i));
        const Modulus& q = tables.modulus();
        std::uint64_t* limb = prepared.values.limb(i);
        if (largest_coefficient(b.t()) < q.value()) {
            ring.kernels().from_signed(limb, centred.data(), ring.n(), q);
        } else {
            for (std::size_t j = 0; j < ring.n(); ++j) {
                limb[j] = q.reduce_signed(static_cast<std::int64_t>(centred[j]));
            }
        }
        tables.forward(prepared.values.limb_span(i));
    }
    prepared.values.set_form(Form::ntt);
    return prepared;
}

PreparedPlaintext Evaluator::prepare(const Plaintext& b, std::size_t limbs) const {
    return prepare_over(b, limbs, false);
}

PreparedPlaintext Evaluator::prepare_for_rotations(const Plaintext& b, std::size_t limbs) const {
    return prepare_over(b, limbs, true);
}

void Evaluator::check_prepared(const Ciphertext& a, const PreparedPlaintext& b) const {
    check("multiply_prepared", a);
    if (a.form() != Form::ntt || b.t != a.t || b.data_limbs != a.limbs() || b.values.n() != a.n() ||
        b.values.limbs() < a.limbs()) {
        throw Error("multiply_prepared: expected a ciphertext in NTT form, modulo t = " + to_string(b.t) +
                    ", with the " + std::to_string(b.data_limbs) +
                    " limbs that the plaintext was prepared for; call to_ntt or prepare for its level");
    }
}

Ciphertext Evaluator::multiply_prepared(const Ciphertext& a, const PreparedPlaintext& b) const {
    check_prepared(a, b);
    return map_parts(a, [&](const RnsPolynomial& part, RnsPolynomial& out) {
        multiply_limbs(context_.ring(), part, b.values, out);
    });
}

Ciphertext Evaluator::multiply_prepared(Ciphertext&& a, const PreparedPlaintext& b) const {
    check_prepared(a, b);
    for (RnsPolynomial& part : a.parts) {
        multiply_limbs(context_.ring(), part, b.values, part);
    }
    return std::move(a);
}

Ciphertext Evaluator::multiply_plain(const Ciphertext& a, const Plaintext& b) const {
    check_plain("multiply_plain", a, b);
    const PreparedPlaintext prepared = prepare(b, a.limbs());
    return a.form() == Form::ntt ? multiply_prepared(a, prepared)
                                 : to_coefficients(multiply_prepared(to_ntt(a), prepared));
}

/// The factor that stands for a scalar modulo t(x).
std::int64_t Evaluator::lifted_scalar(const PlainModulus& t, std::int64_t scalar) const {
    if (!t.is_integer()) {
        return scalar;
    }
    const Modulus& modulus = context_.plain_for(t).modulus();
    return modulus.centre(modulus.reduce_signed(scalar));
}

Ciphertext Evaluator::multiply_scalar(const Ciphertext& a, std::int64_t scalar) const {
    return multiply_monomial(a, {scalar, 0});
}

Ciphertext Evaluator::multiply_monomial(const Ciphertext& a, const Monomial& monomial) const {
    check("multiply_monomial", a);
    const std::int64_t c = lifted_scalar(a.t, monomial.coefficient);
    return map_parts(a, [&](const RnsPolynomial& part, RnsPolynomial& out) {
        if (monomial.exponent == 0) {
            lacuna::multiply_scalar(context_.ring().data(), part, c, out);
        } else {
            lacuna::multiply_monomial(context_.ring().data(), part, c, monomial.exponent, out);
        }
    });
}

Ciphertext Evaluator::multiply_sparse(const Ciphertext& a, std::span<const Monomial> terms) const {
    check("multiply_sparse", a);
    check_coefficients("multiply_sparse", a);
    const Ring& ring = context_.ring();
    std::vector<SparseTerm> row;
    for (const Monomial& term : terms) {
        if (term.exponent >= 2 * ring.n()) {
            throw Error("multiply_sparse: expected exponents below 2n = " + std::to_string(2 * ring.n()) +
                        ", found " + std::to_string(term.exponent));
        }
        row.push_back({0, static_cast<std::uint32_t>(term.exponent), lifted_scalar(a.t, term.coefficient)});
    }
    const SparseMap map(ring.n(), 1, {std::move(row)});
    return map_parts(a, [&](const RnsPolynomial& part, RnsPolynomial& out) {
        std::vector<SparseMap::Plane> planes;
        for (std::size_t i = 0; i < part.limbs(); ++i) {
            planes.push_back({&ring.data().modulus(i), {part.limb(i)}, {out.limb(i)}});
        }
        map.apply(ring.kernels(), planes, 1);
    });
}

// ---- products of ciphertexts

namespace {

/// A polynomial modulo Q_l, modulo the first `count` helper primes.
RnsPolynomial raised(const RnsPolynomial& a, std::size_t count, const HelperPrimes& helpers) {
    RnsPolynomial result = RnsPolynomial::uninitialised(a.n(), count, Form::coefficient);
    std::vector<const std::uint64_t*> from;
    std::vector<std::uint64_t*> to;
    for (std::size_t i = 0; i < a.limbs(); ++i) {
        from.push_back(a.limb(i));
    }
    for (std::size_t i = 0; i < count; ++i) {
        to.push_back(result.limb(i));
    }
    helpers.converter(a.limbs()).convert(from, to, a.n());
    return result;
}

void scale_part(const Scaler& scaler, const RnsPolynomial& part, RnsPolynomial& scaled) {
    std::vector<const std::uint64_t*> from;
    std::vector<std::uint64_t*> to;
    for (std::size_t i = 0; i < part.limbs(); ++i) {
        from.push_back(part.limb(i));
    }
    for (std::size_t i = 0; i < scaled.limbs(); ++i) {
        to.push_back(scaled.limb(i));
    }
    scaler.scale(from, to, part.n());
}

/// (r_0 + r_1 y + r_2 y^2)^2, of which the rows r_0 and r_1 are used up.
void square_of_three(const Kernels& kernels, const std::array<std::uint64_t*, 5>& out,
                     const std::array<std::uint64_t*, 3>& rows, std::size_t n, const Modulus& q) {
    const auto [r0, r1, r2] = rows;
    kernels.multiply(out[0], r0, r0, n, q);
    kernels.multiply(out[2], r1, r1, n, q);
    kernels.multiply(out[4], r2, r2, n, q);
    kernels.add(r0, r0, r0, n, q);
    kernels.multiply(out[1], r0, r1, n, q);
    kernels.multiply_add(out[2], r0, r2, n, q);
    kernels.add(r1, r1, r1, n, q);
    kernels.multiply(out[3], r1, r2, n, q);
}

}  // namespace

/// (1) Raise both operands from Q_l to the helper primes as well, so that products of centred representatives
/// fit. (2) Transform. (3) Tensor, and times t(x) where it is a binomial. (4) Transform back. (5) Scale by t
/// / Q_l, or 1 / Q_l, and round, back into Q_l. b null: the square of a, with half the raising and
/// transforming.
Ciphertext Evaluator::product(const Ciphertext& a, const Ciphertext* b, std::size_t drop,
                              Ciphertext* spare) const {
    const Ring& ring = context_.ring();
    const std::size_t n = ring.n();
    const std::size_t limbs = a.limbs();
    const ProductSpace& space = products_->space(a.t);
    const std::size_t total = limbs + space.helper_count(limbs, a.size());

    // Prime by prime, so that what one prime needs stays in the second-level cache from raising to
    // transforming back.
    std::vector<const RnsPolynomial*> operands;
    for (const Ciphertext* operand : {&a, b}) {
        for (std::size_t k = 0; operand != nullptr && k < operand->size(); ++k) {
            operands.push_back(&operand->parts[k]);
        }
    }
    std::vector<RnsPolynomial> helpers;  // each operand modulo the helper primes
    for (const RnsPolynomial* operand : operands) {
        helpers.push_back(raised(*operand, total - limbs, products_->helpers()));
    }
    std::vector<RnsPolynomial> tensor;
    for (std::size_t k = 0; k < 2 * a.size() - 1; ++k) {
        tensor.push_back(RnsPolynomial::uninitialised(n, total, Form::coefficient));
    }
    const Scaler& scaler = space.scaler(limbs, drop, a.size());
    RnsPolynomial transformed = RnsPolynomial::uninitialised(n, operands.size(), Form::ntt);
    for (std::size_t i = 0; i < total; ++i) {
        const NttTables& tables =
            i < limbs ? ring.data().tables(i) : products_->helpers().basis().tables(i - limbs);
        std::array<const std::uint64_t*, 4> rows{};
        for (std::size_t k = 0; k < operands.size(); ++k) {
            const std::span<const std::uint64_t> source =
                i < limbs ? operands[k]->limb_span(i) : std::as_const(helpers[k]).limb_span(i - limbs);
            tables.forward(source, transformed.limb_span(k));
            rows[k] = transformed.limb(k);
        }
        if (a.size() == 3) {
            std::array<std::uint64_t*, 5> out{};
            for (std::size_t k = 0; k < out.size(); ++k) {
                out[k] = tensor[k].limb(i);
            }
            square_of_three(ring.kernels(), out,
                            {transformed.limb(0), transformed.limb(1), transformed.limb(2)}, n,
                            tables.modulus());
        } else if (b == nullptr) {
            ring.kernels().tensor_square(tensor[0].limb(i), tensor[1].limb(i), tensor[2].limb(i), rows[0],
                                         rows[1], n, tables.modulus());
        } else {
            ring.kernels().tensor(tensor[0].limb(i), tensor[1].limb(i), tensor[2].limb(i), rows[0], rows[1],
                                  rows[2], rows[3], n, tables.modulus());
        }
        for (RnsPolynomial& part : tensor) {
            if (!a.t.is_integer()) {
                const std::uint64_t* const t =
                    i < limbs ? space.data_values(i) : space.helper_values(i - limbs);
                ring.kernels().multiply(part.limb(i), part.limb(i), t, n, tables.modulus());
            }
            tables.inverse(part.limb_span(i), scaler.factor(i));
        }
    }

    Ciphertext result = like(a);
    for (const RnsPolynomial& part : tensor) {
        RnsPolynomial scaled;
        if (const std::size_t k = result.size(); spare != nullptr && k < spare->size()) {
            scaled = std::move(spare->parts[k]);  // the operands have been read
            scaled.keep_limbs(limbs - drop);
        } else {
            scaled = RnsPolynomial::uninitialised(n, limbs - drop, Form::coefficient);
        }
        scale_part(scaler, part, scaled);
        result.parts.push_back(std::move(scaled));
    }
    return result;
}

Ciphertext Evaluator::multiply(const Ciphertext& a, const Ciphertext& b, std::size_t drop) const {
    check_pair("multiply", a, b);
    check_coefficients("multiply", a);
    check_size_two("multiply", a);
    check_size_two("multiply", b);
    check_drop("multiply", a, drop);
    return product(a, &b, drop, nullptr);
}

void Evaluator::check_square(const Ciphertext& a, std::size_t drop) const {
    check("square", a);
    check_coefficients("square", a);
    if (2 * a.size() - 1 > max_ciphertext_parts) {
        throw Error("square: expected a ciphertext of size 2 or 3, found size " + std::to_string(a.size()) +
                    "; relinearize it first");
    }
    check_drop("square", a, drop);
}

Ciphertext Evaluator::square(const Ciphertext& a, std::size_t drop) const {
    check_square(a, drop);
    return product(a, nullptr, drop, nullptr);
}

Ciphertext Evaluator::square(Ciphertext&& a, std::size_t drop) const {
    check_square(a, drop);
    return product(a, nullptr, drop, &a);
}

Ciphertext Evaluator::square_unscaled(Ciphertext a, std::size_t drop) const {
    check_square(a, drop);
    check_size_two("square_unscaled", a);
    const Ring& ring = context_.ring();
    const std::size_t n = ring.n();
    const std::size_t limbs = a.limbs();
    const ProductSpace& space = products_->space(a.t);
    a.parts.push_back(RnsPolynomial::uninitialised(n, limbs, Form::coefficient));
    RnsPolynomial transformed = RnsPolynomial::uninitialised(n, 2, Form::ntt);
    for (std::size_t i = 0; i < limbs; ++i) {
        const NttTables& tables = ring.data().tables(i);
        const Modulus& q = tables.modulus();
        for (std::size_t k = 0; k < 2; ++k) {
            tables.forward(std::as_const(a.parts[k]).limb_span(i), transformed.limb_span(k));
        }
        ring.kernels().tensor_square(a.parts[0].limb(i), a.parts[1].limb(i), a.parts[2].limb(i),
                                     transformed.limb(0), transformed.limb(1), n, q);
        for (RnsPolynomial& part : a.parts) {
            if (!a.t.is_integer()) {
                ring.kernels().multiply(part.limb(i), part.limb(i), space.data_values(i), n, q);
            }
            tables.inverse(part.limb_span(i), a.t.is_integer() ? q.reduce(a.t.value()) : 1);
        }
    }
    for (std::size_t k = 0; drop != 0 && k < a.parts.size(); ++k) {
        divide_by_last(a.parts[k], a.parts[k]);
        a.parts[k].keep_limbs(limbs - 1);
    }
    return a;
}

Ciphertext Evaluator::relinearize(const Ciphertext& a, const RelinKeys& keys) const {
    check("relinearize", a);
    check_coefficients("relinearize", a);
    if (keys.ring != context_.ring().hash()) {
        throw Error("relinearize: the keys belong to other parameters; load them with their own");
    }
    if (a.size() == 2) {
        return a;
    }
    if (a.size() > 3) {
        throw Error("relinearize: expected a ciphertext of size 2 or 3, found size " +
                    std::to_string(a.size()) +
                    "; there are keys for s^2 alone: relinearize before squaring again");
    }
    const Ring& ring = context_.ring();
    std::array<RnsPolynomial, 2> switched = switch_key(ring, a.parts[2], keys.key);
    Ciphertext result = like(a);
    for (std::size_t k = 0; k < 2; ++k) {
        lacuna::add(ring.data(), switched[k], a.parts[k], switched[k]);
        result.parts.push_back(std::move(switched[k]));
    }
    return result;
}

// ---- rotations

/// sigma(c_0 + d_0, d_1), where (d_0, d_1) is c_1 switched to the secret that sigma turns into s.
Ciphertext Evaluator::rotated(const Ciphertext& a, const Automorphism& automorphism,
                              Switched switched) const {
    const RnsBasis& basis = context_.ring().data();
    lacuna::add(basis, switched[0], a.parts[0], switched[0]);
    Ciphertext result = like(a);
    for (const RnsPolynomial& part : switched) {
        automorphism.apply(basis, part, result.parts.emplace_back());
    }
    return result;
}

Ciphertext Evaluator::rotate_rows(const Ciphertext& a, int steps, const GaloisKeys& keys) const {
    const std::array<int, 1> one = {steps};
    return std::move(rotate_rows_hoisted(a, one, keys).front());
}

Ciphertext Evaluator::rotate_columns(const Ciphertext& a, const GaloisKeys& keys) const {
    check("rotate_columns", a);
    check_size_two("rotate_columns", a);
    check_coefficients("rotate_columns", a);
    check_keys("rotate_columns", context_.ring(), keys);
    if (!a.t.is_integer()) {
        throw Error("rotate_columns: expected two rows of slots, found one, modulo " + to_string(a.t) +
                    "; rotate_rows turns all of its slots");
    }
    const GaloisKeys::Entry& entry = keys.at(row_swap_element(context_.n()));
    return rotated(a, entry.automorphism, switch_key(context_.ring(), a.parts[1], entry.key));
}

std::vector<Ciphertext> Evaluator::rotate_rows_hoisted(const Ciphertext& a, std::span<const int> steps,
                                                       const GaloisKeys& keys) const {
    check("rotate_rows", a);
    check_size_two("rotate_rows", a);
    check_coefficients("rotate_rows", a);
    check_keys("rotate_rows", context_.ring(), keys);
    std::vector<const GaloisKeys::Entry*> entries;  // of every step, none where nothing turns
    std::vector<const KeySwitchKey*> switching;
    for (const int step : steps) {
        const std::uint32_t element = rotation_element(context_.n(), a.t, step);
        entries.push_back(element == 1 ? nullptr : &keys.at(element));
        if (entries.back() != nullptr) {
            switching.push_back(&entries.back()->key);
        }
    }
    std::vector<Switched> switched;
    if (!switching.empty()) {
        switched = switch_keys(context_.ring(), a.parts[1], switching);
    }
    std::vector<Ciphertext> results;
    std::size_t next = 0;
    for (const GaloisKeys::Entry* entry : entries) {
        results.push_back(entry == nullptr ? a
                                           : rotated(a, entry->automorphism, std::move(switched[next++])));
    }
    return results;
}

namespace {

/// The key of every term, none where nothing turns.
std::vector<const GaloisKeys::Entry*> entries_of(const Ring& ring, const Ciphertext& a,
                                                 std::span<const Evaluator::RotatedTerm> terms,
                                                 const GaloisKeys& keys) {
    const std::size_t extended = a.limbs() + ring.special().size();
    std::vector<const GaloisKeys::Entry*> entries;
    for (const Evaluator::RotatedTerm& term : terms) {
        if (term.plaintext == nullptr || term.plaintext->t != a.t ||
            term.plaintext->data_limbs != a.limbs() || term.plaintext->values.limbs() != extended ||
            term.plaintext->values.n() != ring.n()) {
            throw Error("sum_of_rotated_products: expected plaintexts from prepare_for_rotations for " +
                        std::to_string(a.limbs()) + " limbs modulo t = " + to_string(a.t));
        }
        const std::uint32_t element = rotation_element(ring.n(), a.t, term.steps);
        entries.push_back(element == 1 ? nullptr : &keys.at(element));
    }
    return entries;
}

}  // namespace

Ciphertext Evaluator::sum_of_rotated_products(const Ciphertext& a, std::span<const RotatedTerm> terms,
                                              const GaloisKeys& keys) const {
    check("sum_of_rotated_products", a);
    check_size_two("sum_of_rotated_products", a);
    check_coefficients("sum_of_rotated_products", a);
    check_keys("sum_of_rotated_products", context_.ring(), keys);
    const Ring& ring = context_.ring();
    const std::size_t n = ring.n();
    const std::size_t limbs = a.limbs();
    const std::size_t extended = limbs + ring.special().size();
    const std::vector<const GaloisKeys::Entry*> entries = entries_of(ring, a, terms, keys);
    // With sigma a rotation and (d_0, d_1) the product of the digits and its key, the term is its plaintext
    // times sigma(c_0 + d_0 / P, d_1 / P): summed modulo Q_l P as sigma(P c_0 + d_0, d_1), in NTT form, where
    // sigma is a permutation.
    const bool turns =
        std::any_of(entries.begin(), entries.end(), [](auto* entry) { return entry != nullptr; });
    const bool stays =
        std::any_of(entries.begin(), entries.end(), [](auto* entry) { return entry == nullptr; });
    const mpz_class special = ring.special().product();
    std::optional<RaisedDigits> digits;
    if (turns) {
        digits.emplace(ring, a.parts[1]);
    }
    ExtendedPair sums(ring, limbs);
    std::array<Buffer, 2> parts = {Buffer::uninitialised(n), Buffer::uninitialised(n)};  // P c
    std::array<Buffer, 2> products = {Buffer::uninitialised(n), Buffer::uninitialised(n)};
    Buffer turned = Buffer::uninitialised(n);
    for (std::size_t i = 0; i < extended; ++i) {
        const std::size_t prime = extended_prime(ring, limbs, i);
        const Modulus& q = ring.key_basis().modulus(prime);
        for (std::size_t k = 0; k < 2; ++k) {
            std::fill_n(sums.row(k, i), n, 0);
            if (i < limbs && (k == 0 || stays)) {
                const ShoupFactor p(residue(special, q), q);
                ring.kernels().multiply_scalar(parts[k].data(), a.parts[k].limb(i), n, p, q);
                ring.key_basis().tables(prime).forward(parts[k].span());
            }
        }
        for (std::size_t term = 0; term < terms.size(); ++term) {
            const std::uint64_t* const values = terms[term].plaintext->values.limb(i);
            const auto accumulate = [&](std::size_t k, const Buffer& row) {
                ring.kernels().multiply_add(sums.row(k, i), row.data(), values, n, q);
            };
            if (entries[term] == nullptr) {
                for (std::size_t k = 0; i < limbs && k < 2; ++k) {  // P c vanishes modulo P
                    accumulate(k, parts[k]);
                }
                continue;
            }
            digits->multiply(entries[term]->key, i, products[0].data(), products[1].data());
            if (i < limbs) {
                ring.kernels().add(products[0].data(), products[0].data(), parts[0].data(), n, q);
            }
            for (std::size_t k = 0; k < 2; ++k) {
                ring.kernels().gather(turned.data(), products[k].data(),
                                      entries[term]->automorphism.ntt_index(), n);
                accumulate(k, turned);
            }
        }
        sums.to_coefficients(i);
    }
    Ciphertext result = like(a);
    for (RnsPolynomial& part : std::move(sums).divided()) {
        result.parts.push_back(std::move(part));
    }
    return result;
}

// ---- levels and forms

Ciphertext Evaluator::mod_switch(const Ciphertext& a) const {
    check("mod_switch", a);
    check_coefficients("mod_switch", a);
    const std::size_t limbs = a.limbs();
    if (limbs < 2) {
        throw Error("mod_switch: the ciphertext is at the last limb already; there is nothing to drop");
    }
    Ciphertext result = like(a);
    for (const RnsPolynomial& part : a.parts) {
        divide_by_last(part, result.parts.emplace_back(part.first_limbs(limbs - 1)));
    }
    return result;
}

/// kept holds the other limbs of part, to be divided by the last one's prime and rounded.
void Evaluator::divide_by_last(const RnsPolynomial& part, RnsPolynomial& kept) const {
    const std::size_t limbs = part.limbs();
    std::vector<std::uint64_t*> rows;
    for (std::size_t i = 0; i + 1 < limbs; ++i) {
        rows.push_back(kept.limb(i));
    }
    const std::array<const std::uint64_t*, 1> dropped = {part.limb(limbs - 1)};
    context_.ring().last_limb_divider(limbs).divide(dropped, rows, part.n());
}

Ciphertext Evaluator::mod_switch_to(const Ciphertext& a, std::size_t limbs) const {
    check("mod_switch_to", a);
    if (limbs == 0 || limbs > a.limbs()) {
        throw Error("mod_switch_to: expected 1 ... " + std::to_string(a.limbs()) + " limbs, found " +
                    std::to_string(limbs) + "; primes can be dropped, not added");
    }
    Ciphertext result = a;
    while (result.limbs() > limbs) {
        result = mod_switch(result);
    }
    return result;
}

Ciphertext Evaluator::to_ntt(const Ciphertext& a) const {
    check("to_ntt", a);
    Ciphertext result = a;
    for (RnsPolynomial& part : result.parts) {
        lacuna::to_ntt(context_.ring().data(), part);
    }
    return result;
}

Ciphertext Evaluator::to_coefficients(const Ciphertext& a) const {
    check("to_coefficients", a);
    Ciphertext result = a;
    for (RnsPolynomial& part : result.parts) {
        lacuna::to_coefficients(context_.ring().data(), part);
    }
    return result;
}

}  // namespace lacuna
