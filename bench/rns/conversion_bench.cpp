// SPDX-License-Identifier: Apache-2.0
//
// Base conversion and scaling, with the numbers of primes that a product of FV has: L data primes, L + 1
// helpers.
#include <cstdint>
#include <span>
#include <vector>

#include <lacuna/rns/base_converter.h>
#include <lacuna/rns/scaler.h>
#include "bench/rns/benches.h"

namespace lacuna::bench {

namespace {

constexpr std::uint64_t plain_modulus = 786433;

std::vector<Modulus> moduli(const RnsBasis& basis, std::size_t begin, std::size_t end) {
    std::vector<Modulus> result;
    for (std::size_t i = begin; i < end; ++i) {
        result.push_back(basis.modulus(i));
    }
    return result;
}

/// Rows modulo 2 L + 1 primes, and as many to write to.
struct Rows {
    Rows(const Size& size, const Kernels& kernels)
        : primes(basis(size.n, 2 * size.limbs + 1, kernels)),
          limbs(size.limbs),
          in(uniform(primes, primes.size(), Form::coefficient)),
          out(in) {}

    [[nodiscard]] std::vector<const std::uint64_t*> from(std::size_t begin, std::size_t end) const {
        std::vector<const std::uint64_t*> rows;
        for (std::size_t i = begin; i < end; ++i) {
            rows.push_back(in.limb(i));
        }
        return rows;
    }
    [[nodiscard]] std::vector<std::uint64_t*> to(std::size_t begin, std::size_t end) {
        std::vector<std::uint64_t*> rows;
        for (std::size_t i = begin; i < end; ++i) {
            rows.push_back(out.limb(i));
        }
        return rows;
    }

    RnsBasis primes;
    std::size_t limbs;
    RnsPolynomial in;
    RnsPolynomial out;
};

void register_scaler(const std::string& name, std::size_t drop) {
    register_operation(name, [drop](const Size& size, const Kernels& kernels) -> Step {
        Rows rows(size, kernels);
        const std::size_t all = rows.primes.size();
        const std::vector<Modulus> q = moduli(rows.primes, 0, size.limbs);
        const std::vector<Modulus> p = moduli(rows.primes, size.limbs, all);
        return [rows, all, scaler = Scaler(q, p, plain_modulus, drop, kernels), drop]() mutable {
            scaler.scale(rows.from(0, all), rows.to(0, rows.limbs - drop), rows.primes.n());
        };
    });
}

}  // namespace

void register_conversions() {
    // From L primes to L + 1 others: an operand of a product raised to the helper primes.
    register_operation("base_conversion", [](const Size& size, const Kernels& kernels) -> Step {
        Rows rows(size, kernels);
        const std::size_t all = rows.primes.size();
        const std::vector<Modulus> from = moduli(rows.primes, 0, size.limbs);
        const std::vector<Modulus> to = moduli(rows.primes, size.limbs, all);
        return [rows, all, converter = BaseConverter(from, to, kernels)]() mutable {
            converter.convert(rows.from(0, rows.limbs), rows.to(rows.limbs, all), rows.primes.n());
        };
    });
    // From one prime to L + 1 others: a digit of a key switch.
    register_operation("base_conversion_from_one", [](const Size& size, const Kernels& kernels) -> Step {
        Rows rows(size, kernels);
        const std::size_t all = rows.primes.size();
        const std::vector<Modulus> from = moduli(rows.primes, 0, 1);
        const std::vector<Modulus> to = moduli(rows.primes, size.limbs, all);
        return [rows, all, converter = BaseConverter(from, to, kernels)]() mutable {
            converter.convert(rows.from(0, 1), rows.to(rows.limbs, all), rows.primes.n());
        };
    });
    register_scaler("scale", 0);
    register_scaler("scale_and_drop", 1);
    register_operation("scale_to_plain", [](const Size& size, const Kernels& kernels) -> Step {
        Rows rows(size, kernels);
        const std::vector<Modulus> q = moduli(rows.primes, 0, size.limbs);
        return [rows, scaler = ScalerToPlain(q, Modulus(plain_modulus), kernels)]() mutable {
            scaler.scale(rows.from(0, rows.limbs), rows.out.limb(0), rows.primes.n());
        };
    });
    // L limbs by one more: a modulus switch, or the end of a key switch.
    register_operation("divide", [](const Size& size, const Kernels& kernels) -> Step {
        Rows rows(size, kernels);
        const std::vector<Modulus> dropped = moduli(rows.primes, size.limbs, size.limbs + 1);
        const std::vector<Modulus> kept = moduli(rows.primes, 0, size.limbs);
        return [rows, divider = Divider(dropped, kept, kernels)]() mutable {
            divider.divide(rows.from(rows.limbs, rows.limbs + 1), rows.to(0, rows.limbs), rows.primes.n());
        };
    });
}

}  // namespace lacuna::bench
