// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <lacuna/ntt/buffer.h>
#include <lacuna/ntt/kernels.h>
#include <lacuna/ntt/modulus.h>

namespace lacuna {

inline constexpr std::size_t min_ntt_size = 16;
inline constexpr std::size_t max_ntt_size = 32768;

/// Constants of the negacyclic number-theoretic transform over Z_q[x]/(x^n + 1) for one prime q = 1 mod 2n,
/// and the transforms themselves. Immutable once built.
class NttTables {
  public:
    /// n: a power of two in 16 ... 32768. Throws Error otherwise or where q does not fit n.
    NttTables(std::size_t n, const Modulus& q, const Kernels& kernels = active_kernels());

    [[nodiscard]] std::size_t size() const { return n_; }
    [[nodiscard]] const Modulus& modulus() const { return modulus_; }
    /// The primitive 2n-th root of unity psi: word j of a transform is the value at psi^(2 reverse(j) + 1).
    [[nodiscard]] std::uint64_t root() const { return root_; }
    [[nodiscard]] const Kernels& kernels() const { return *kernels_; }

    /// In place. Input [0, 4q), output [0, q), n words, 64-byte aligned.
    void forward(std::span<std::uint64_t> a) const { kernels_->ntt_forward(*this, a.data(), a.data()); }
    /// The same from `a` to `out`.
    void forward(std::span<const std::uint64_t> a, std::span<std::uint64_t> out) const {
        kernels_->ntt_forward(*this, out.data(), a.data());
    }
    /// In place. Input [0, 2q), output [0, q), n words, 64-byte aligned. factor in [0, q): every word of the
    /// result is multiplied by it, which costs nothing here.
    void inverse(std::span<std::uint64_t> a, std::uint64_t factor = 1) const {
        kernels_->ntt_inverse(*this, a.data(), factor);
    }

    /// In the layout of the kernel that built them.
    [[nodiscard]] const Buffer& forward_twiddles() const { return forward_; }
    [[nodiscard]] const Buffer& inverse_twiddles() const { return inverse_; }

  private:
    std::size_t n_;
    Modulus modulus_;
    const Kernels* kernels_;
    std::uint64_t root_;
    Buffer forward_;
    Buffer inverse_;
};

/// Reverses the lowest `bits` bits of x.
[[nodiscard]] constexpr std::uint32_t reverse_bits(std::uint32_t x, int bits) {
    std::uint32_t reversed = 0;
    for (int i = 0; i < bits; ++i) {
        reversed = (reversed << 1) | ((x >> i) & 1);
    }
    return reversed;
}

}  // namespace lacuna
