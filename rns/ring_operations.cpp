// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/ring_operations.h>

#include <algorithm>
#include <string>

#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

void check_operand(const char* operation, const RnsBasis& basis, const RnsPolynomial& a) {
    if (a.n() != basis.n() || a.limbs() == 0 || a.limbs() > basis.size()) {
        throw Error(std::string(operation) + ": expected a polynomial of degree " +
                    std::to_string(basis.n()) + " with 1 ... " + std::to_string(basis.size()) +
                    " limbs, found degree " + std::to_string(a.n()) + " with " + std::to_string(a.limbs()) +
                    " limbs");
    }
}

void check_pair(const char* operation, const RnsBasis& basis, const RnsPolynomial& a,
                const RnsPolynomial& b) {
    check_operand(operation, basis, a);
    if (a.n() != b.n() || a.limbs() != b.limbs() || a.form() != b.form()) {
        throw Error(std::string(operation) +
                    ": the operands differ in degree, number of limbs or form; bring them to "
                    "the same level and form first");
    }
}

void check_form(const char* operation, const RnsPolynomial& a, Form form) {
    if (a.form() != form) {
        throw Error(std::string(operation) + ": expected a polynomial in " +
                    (form == Form::ntt ? "NTT form, found coefficient form; call to_ntt first"
                                       : "coefficient form, found NTT form; call to_coefficients first"));
    }
}

/// Gives `out` the shape of a without touching it where it has that shape already (it may be a itself).
void match_shape(const RnsPolynomial& a, RnsPolynomial& out) {
    if (out.n() != a.n() || out.limbs() != a.limbs()) {
        out = RnsPolynomial::uninitialised(a.n(), a.limbs(), a.form(), a.secrecy());
    }
    out.set_form(a.form());
}

/// out[j] = c x^exponent a for one limb in coefficient form, c in [0, q), 0 <= exponent < n. out is not a.
void shift_limb(const Kernels& kernels, const Modulus& q, const std::uint64_t* a, std::uint64_t c,
                std::size_t exponent, std::size_t n, std::uint64_t* out) {
    std::copy_n(a, n - exponent, out + exponent);
    for (std::size_t j = 0; j < exponent; ++j) {
        out[j] = q.negate(a[n - exponent + j]);
    }
    if (c != 1) {
        kernels.multiply_scalar(out, out, n, ShoupFactor(c, q), q);
    }
}

}  // namespace

void to_ntt(const RnsBasis& basis, RnsPolynomial& a) {
    check_operand("to_ntt", basis, a);
    check_form("to_ntt", a, Form::coefficient);
    for (std::size_t i = 0; i < a.limbs(); ++i) {
        basis.tables(i).forward(a.limb_span(i));
    }
    a.set_form(Form::ntt);
}

void to_coefficients(const RnsBasis& basis, RnsPolynomial& a) {
    check_operand("to_coefficients", basis, a);
    check_form("to_coefficients", a, Form::ntt);
    for (std::size_t i = 0; i < a.limbs(); ++i) {
        basis.tables(i).inverse(a.limb_span(i));
    }
    a.set_form(Form::coefficient);
}

void add(const RnsBasis& basis, const RnsPolynomial& a, const RnsPolynomial& b, RnsPolynomial& out) {
    check_pair("add", basis, a, b);
    match_shape(a, out);
    for (std::size_t i = 0; i < a.limbs(); ++i) {
        basis.kernels().add(out.limb(i), a.limb(i), b.limb(i), a.n(), basis.modulus(i));
    }
}

void subtract(const RnsBasis& basis, const RnsPolynomial& a, const RnsPolynomial& b, RnsPolynomial& out) {
    check_pair("subtract", basis, a, b);
    match_shape(a, out);
    for (std::size_t i = 0; i < a.limbs(); ++i) {
        basis.kernels().subtract(out.limb(i), a.limb(i), b.limb(i), a.n(), basis.modulus(i));
    }
}

void negate(const RnsBasis& basis, const RnsPolynomial& a, RnsPolynomial& out) {
    check_operand("negate", basis, a);
    match_shape(a, out);
    for (std::size_t i = 0; i < a.limbs(); ++i) {
        basis.kernels().negate(out.limb(i), a.limb(i), a.n(), basis.modulus(i));
    }
}

void multiply(const RnsBasis& basis, const RnsPolynomial& a, const RnsPolynomial& b, RnsPolynomial& out) {
    check_pair("multiply", basis, a, b);
    check_form("multiply", a, Form::ntt);
    match_shape(a, out);
    for (std::size_t i = 0; i < a.limbs(); ++i) {
        basis.kernels().multiply(out.limb(i), a.limb(i), b.limb(i), a.n(), basis.modulus(i));
    }
}

void multiply_add(const RnsBasis& basis, const RnsPolynomial& a, const RnsPolynomial& b, RnsPolynomial& out) {
    check_pair("multiply_add", basis, a, b);
    check_pair("multiply_add", basis, a, out);
    check_form("multiply_add", a, Form::ntt);
    for (std::size_t i = 0; i < a.limbs(); ++i) {
        basis.kernels().multiply_add(out.limb(i), a.limb(i), b.limb(i), a.n(), basis.modulus(i));
    }
}

void multiply_scalar(const RnsBasis& basis, const RnsPolynomial& a, std::int64_t scalar, RnsPolynomial& out) {
    check_operand("multiply_scalar", basis, a);
    match_shape(a, out);
    for (std::size_t i = 0; i < a.limbs(); ++i) {
        const Modulus& q = basis.modulus(i);
        basis.kernels().multiply_scalar(out.limb(i), a.limb(i), a.n(),
                                        ShoupFactor(q.reduce_signed(scalar), q), q);
    }
}

void multiply_monomial(const RnsBasis& basis, const RnsPolynomial& a, std::int64_t scalar,
                       std::size_t exponent, RnsPolynomial& out) {
    check_operand("multiply_monomial", basis, a);
    const std::size_t n = a.n();
    if (exponent >= 2 * n) {
        throw Error("multiply_monomial: expected an exponent below 2n = " + std::to_string(2 * n) +
                    ", found " + std::to_string(exponent));
    }
    RnsPolynomial result = RnsPolynomial::uninitialised(n, a.limbs(), a.form(), a.secrecy());
    const bool negative = exponent >= n;
    const std::size_t shift = negative ? exponent - n : exponent;
    for (std::size_t i = 0; i < a.limbs(); ++i) {
        const Modulus& q = basis.modulus(i);
        const std::uint64_t magnitude = q.reduce_signed(scalar);
        const std::uint64_t c = negative ? q.negate(magnitude) : magnitude;
        if (a.form() == Form::coefficient) {
            shift_limb(basis.kernels(), q, a.limb(i), c, shift, n, result.limb(i));
            continue;
        }
        // The value of x^k at psi^(2 reverse(j) + 1) is psi^(k (2 reverse(j) + 1)): walk the odd powers of
        // psi^k and put each where the transform has it.
        int log_n = 0;
        while ((std::size_t{1} << log_n) < n) {
            ++log_n;
        }
        Buffer values = Buffer::uninitialised(n);
        const std::uint64_t root = q.power(basis.tables(i).root(), shift);
        const ShoupFactor step(q.multiply(root, root), q);
        std::uint64_t power = q.multiply(c, root);
        for (std::uint32_t j = 0; j < n; ++j) {
            values[reverse_bits(j, log_n)] = power;
            power = step.multiply(power, q.value());
        }
        basis.kernels().multiply(result.limb(i), a.limb(i), values.data(), n, q);
    }
    out = std::move(result);
}

void set_signed(const RnsBasis& basis, const std::uint64_t* coefficients, RnsPolynomial& out) {
    check_operand("set_signed", basis, out);
    for (std::size_t i = 0; i < out.limbs(); ++i) {
        basis.kernels().from_signed(out.limb(i), coefficients, out.n(), basis.modulus(i));
    }
    out.set_form(Form::coefficient);
}

}  // namespace lacuna
