// SPDX-License-Identifier: Apache-2.0
#include "rns/automorphism.h"

#include <bit>
#include <string>

#include "ntt/error.h"

namespace lacuna {

Automorphism::Automorphism(std::size_t n, std::uint32_t element)
    : element_(element), coefficient_index_(n), ntt_index_(n) {
    if (!std::has_single_bit(n) || element % 2 == 0 || element >= 2 * n) {
        throw Error("automorphism: expected an odd element below 2n = " + std::to_string(2 * n) + ", found " +
                    std::to_string(element));
    }
    const auto mask = static_cast<std::uint32_t>(2 * n - 1);
    const int log_n = std::countr_zero(n);
    for (std::uint32_t i = 0; i < n; ++i) {
        // Coefficient i moves to x^(g i); x^(n + m) = -x^m.
        const std::uint32_t target = static_cast<std::uint32_t>(std::uint64_t{i} * element) & mask;
        coefficient_index_[target & (mask >> 1)] = i | (target >= n ? 0x80000000u : 0u);
        // The value of a(x^g) at psi^(2r + 1) is the value of a at psi^(g (2r + 1)).
        const std::uint32_t odd = 2 * reverse_bits(i, log_n) + 1;
        const std::uint32_t source = static_cast<std::uint32_t>(std::uint64_t{odd} * element) & mask;
        ntt_index_[i] = reverse_bits(source >> 1, log_n);
    }
}

void Automorphism::apply(const RnsBasis& basis, const RnsPolynomial& a, RnsPolynomial& out) const {
    if (a.n() != coefficient_index_.size() || a.limbs() > basis.size()) {
        throw Error("automorphism: expected a polynomial of degree " +
                    std::to_string(coefficient_index_.size()) + ", found degree " + std::to_string(a.n()));
    }
    RnsPolynomial result = RnsPolynomial::uninitialised(a.n(), a.limbs(), a.form(), a.secrecy());
    for (std::size_t i = 0; i < a.limbs(); ++i) {
        if (a.form() == Form::ntt) {
            basis.kernels().gather(result.limb(i), a.limb(i), ntt_index_.data(), a.n());
        } else {
            basis.kernels().gather_signed(result.limb(i), a.limb(i), coefficient_index_.data(), a.n(),
                                          basis.modulus(i));
        }
    }
    out = std::move(result);
}

}  // namespace lacuna
