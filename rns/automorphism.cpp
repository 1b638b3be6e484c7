// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/automorphism.h>

#include <bit>
#include <string>

#include <lacuna/ntt/error.h>

namespace lacuna {

std::uint32_t inverse_element(std::size_t n, std::uint32_t g) {
    std::uint32_t inverse = g;
    for (int i = 0; i < 4; ++i) {  // Newton's iteration doubles the number of correct bits, from 3
        inverse *= 2 - g * inverse;
    }
    return inverse & static_cast<std::uint32_t>(2 * n - 1);
}

Automorphism::Automorphism(std::size_t n, std::uint32_t element)
    : n_(n), element_(element), inverse_(inverse_element(n, element)), ntt_index_(n) {
    if (!std::has_single_bit(n) || element % 2 == 0 || element >= 2 * n) {
        throw Error("automorphism: expected an odd element below 2n = " + std::to_string(2 * n) + ", found " +
                    std::to_string(element));
    }
    const auto mask = static_cast<std::uint32_t>(2 * n - 1);
    const int log_n = std::countr_zero(n);
    for (std::uint32_t i = 0; i < n; ++i) {
        // The value of a(x^g) at psi^(2r + 1) is the value of a at psi^(g (2r + 1)).
        const std::uint32_t odd = 2 * reverse_bits(i, log_n) + 1;
        const std::uint32_t source = static_cast<std::uint32_t>(std::uint64_t{odd} * element) & mask;
        ntt_index_[i] = reverse_bits(source >> 1, log_n);
    }
}

void Automorphism::apply(const RnsBasis& basis, const RnsPolynomial& a, RnsPolynomial& out) const {
    if (a.n() != n_ || a.limbs() > basis.size()) {
        throw Error("automorphism: expected a polynomial of degree " + std::to_string(n_) +
                    ", found degree " + std::to_string(a.n()));
    }
    RnsPolynomial result = RnsPolynomial::uninitialised(a.n(), a.limbs(), a.form(), a.secrecy());
    for (std::size_t i = 0; i < a.limbs(); ++i) {
        if (a.form() == Form::ntt) {
            basis.kernels().gather(result.limb(i), a.limb(i), ntt_index_.data(), a.n());
        } else {
            basis.kernels().automorphism(result.limb(i), a.limb(i), a.n(), inverse_, basis.modulus(i));
        }
    }
    out = std::move(result);
}

}  // namespace lacuna
