// SPDX-License-Identifier: Apache-2.0
//
// Ring operations, automorphisms and sampling of whole polynomials.
#include <lacuna/rns/automorphism.h>
#include <lacuna/rns/random.h>
#include <lacuna/rns/ring_operations.h>
#include <lacuna/rns/sampler.h>
#include "bench/rns/benches.h"

namespace lacuna::bench {

namespace {

struct Operands {
    RnsBasis basis;
    RnsPolynomial a;
    RnsPolynomial b;
    RnsPolynomial out;
};

Operands operands(const Size& size, const Kernels& kernels, Form form) {
    RnsBasis primes = basis(size.n, size.limbs, kernels);
    const RnsPolynomial a = uniform(primes, size.limbs, form);
    return {std::move(primes), a, a, a};
}

/// An operation over two polynomials and an output of one form.
void add(const std::string& name, Form form, void (*work)(Operands&)) {
    register_operation(name, [form, work](const Size& size, const Kernels& kernels) -> Step {
        return [x = operands(size, kernels, form), work]() mutable { work(x); };
    });
}

void add_automorphism(const std::string& name, Form form) {
    register_operation(name, [form](const Size& size, const Kernels& kernels) -> Step {
        return [x = operands(size, kernels, form), turn = Automorphism(size.n, 3)]() mutable {
            turn.apply(x.basis, x.a, x.out);
        };
    });
}

}  // namespace

void register_polynomials() {
    add("to_ntt", Form::coefficient, [](Operands& x) {
        to_ntt(x.basis, x.a);
        x.a.set_form(Form::coefficient);
    });
    add("to_coefficients", Form::ntt, [](Operands& x) {
        to_coefficients(x.basis, x.a);
        x.a.set_form(Form::ntt);
    });
    add("add", Form::coefficient, [](Operands& x) { lacuna::add(x.basis, x.a, x.b, x.out); });
    add("multiply", Form::ntt, [](Operands& x) { multiply(x.basis, x.a, x.b, x.out); });
    add("multiply_add", Form::ntt, [](Operands& x) { multiply_add(x.basis, x.a, x.b, x.out); });
    add("multiply_scalar", Form::coefficient,
        [](Operands& x) { multiply_scalar(x.basis, x.a, 12345, x.out); });
    add("multiply_monomial_1", Form::coefficient,
        [](Operands& x) { multiply_monomial(x.basis, x.a, 1, 5, x.out); });
    add("multiply_monomial_3", Form::coefficient,
        [](Operands& x) { multiply_monomial(x.basis, x.a, 3, 5, x.out); });
    add_automorphism("automorphism_coefficients", Form::coefficient);
    add_automorphism("automorphism_ntt", Form::ntt);
    add("sample_uniform", Form::ntt, [](Operands& x) { sample_uniform(x.basis, Seed{}, 0, x.out); });
    add("sample_error", Form::coefficient, [](Operands& x) {
        RandomStream stream(Seed{}, 0);
        const Buffer error = sample_error(x.basis.n(), stream, x.basis.kernels());
        set_signed(x.basis, error.data(), x.out);
    });
}

}  // namespace lacuna::bench
