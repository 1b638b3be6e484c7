// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <lacuna/ntt/kernels.h>
#include <lacuna/rns/basis.h>
#include <lacuna/rns/polynomial.h>

namespace lacuna::bench {

/// Degrees and numbers of limbs that bench/he uses, all of 49 bits.
struct Size {
    std::size_t n;
    std::size_t limbs;
};
[[nodiscard]] const std::vector<Size>& sizes();

/// `count` primes of 49 bits for degree n, under given kernels; `skip` leaves out the first ones.
[[nodiscard]] RnsBasis basis(std::size_t n, std::size_t count, const Kernels& kernels, std::size_t skip = 0);
/// Uniform residues modulo the first `limbs` primes of a basis.
[[nodiscard]] RnsPolynomial uniform(const RnsBasis& basis, std::size_t limbs, Form form);

/// One iteration of an operation, with everything that it needs made before.
using Step = std::function<void()>;
/// Times <operation>/<kernel>/<n> for every size and every kernel that the machine has; `make` builds the
/// step.
void register_operation(const std::string& operation,
                        const std::function<Step(const Size&, const Kernels&)>& make);

void register_polynomials();
void register_conversions();
void register_sparse_maps();

}  // namespace lacuna::bench
