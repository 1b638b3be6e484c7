// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/sampler.h>

#include <algorithm>

namespace lacuna {

void sample_uniform(const RnsBasis& basis, const Seed& seed, std::uint64_t first_stream, RnsPolynomial& out) {
    constexpr std::size_t chunk = 1024;
    alignas(64) std::uint64_t words[chunk];
    alignas(64) std::uint64_t kept_words[chunk + 8];
    for (std::size_t i = 0; i < out.limbs(); ++i) {
        const Modulus& q = basis.modulus(i);
        const std::uint64_t mask = (std::uint64_t{1} << q.bits()) - 1;
        RandomStream stream(seed, first_stream + i);
        for (std::size_t filled = 0; filled < out.n();) {
            stream.fill(words);
            const std::size_t kept = basis.kernels().filter_below(kept_words, words, chunk, mask, q.value());
            const std::size_t taken = std::min(kept, out.n() - filled);
            std::copy_n(kept_words, taken, out.limb(i) + filled);
            filled += taken;
        }
    }
}

Buffer sample_ternary(std::size_t n, RandomStream& stream) {
    Buffer values = Buffer::uninitialised(n, Secrecy::secret);
    stream.fill(values.span());
    for (std::uint64_t& word : values.span()) {
        // floor(3 u) for u uniform in [0, 1) with 64 bits: no branch, and a bias below 2^-62.
        word = static_cast<std::uint64_t>((uint128_t{word} * 3) >> 64) - 1;
    }
    return values;
}

Buffer sample_error(std::size_t n, RandomStream& stream, const Kernels& kernels) {
    Buffer values = Buffer::uninitialised(n, Secrecy::secret);
    stream.fill(values.span());
    kernels.centred_binomial(values.data(), values.data(), n);
    return values;
}

}  // namespace lacuna
