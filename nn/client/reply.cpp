// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/client/reply.h>

#include <algorithm>
#include <numeric>

#include <lacuna/he/files/serialize.h>

namespace lacuna {

Reduction reply_reduction(const Ring& ring, const ClientPlan& plan) {
    const int bits = ring.data().modulus(0).bits();
    Reduction reduction{bits - plan.reply_dropped_bits[0], bits - plan.reply_dropped_bits[1], {}};
    if (plan.reply_coefficients != 0) {
        const std::size_t used = std::max(plan.reply_coefficients, plan.classes * plan.reply_stride);
        if (used < ring.n()) {
            reduction.coefficients.resize(used);
            std::iota(reduction.coefficients.begin(), reduction.coefficients.end(), 0U);
        }
    }
    return reduction;
}

std::uint64_t shorten_reply(const Ring& ring, const ClientPlan& plan, EncryptedTensor& reply) {
    std::uint64_t bytes = 0;
    for (auto& ciphertexts : reply.residues) {
        for (Ciphertext& ciphertext : ciphertexts) {
            if (!plan.reduces_replies()) {
                bytes += ciphertext_bytes(ring, ciphertext.size(), ciphertext.limbs());
                continue;
            }
            const Reduction reduction = reply_reduction(ring, plan);
            ciphertext = restore(ring, reduce(ring, ciphertext, reduction));
            bytes += reduced_ciphertext_bytes(ring, reduction);
        }
    }
    return bytes;
}

}  // namespace lacuna
