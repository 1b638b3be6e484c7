// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/server/packed_kernel.h>

#include <lacuna/rns/ring_operations.h>

namespace lacuna {

std::optional<Plaintext> packed_plaintext(const BinomialEncoder& encoder, std::span<const mpz_class> values,
                                          std::span<const Place> places, const Repeats& copies,
                                          std::size_t index) {
    std::vector<mpz_class> slots(encoder.slots());
    bool any = false;
    for (std::size_t e = 0; e < places.size(); ++e) {
        if (places[e].ciphertext == index && values[e] != 0) {
            for (std::size_t i = 0; i < copies.count; ++i) {
                slots[repeat_of(places[e], copies, i, slots.size()).position] = values[e];
            }
            any = true;
        }
    }
    return any ? std::optional(encoder.encode(slots)) : std::nullopt;
}

PackedKernel::PackedKernel(const Context& context, const BinomialEncoder& encoder, const PackedLayer& layer,
                           std::span<const mpz_class> bias, std::span<const Place> places,
                           const Repeats& copies, std::size_t limbs, int threads)
    : product_(context, encoder, layer.account.inputs, layer.account.outputs, limbs, layer.diagonals,
               layer.schedule, threads),
      folds_(layer.folds) {
    for (std::size_t o = 0; o < layer.account.outputs; ++o) {
        bias_.emplace_back();
        if (const auto plaintext = packed_plaintext(encoder, bias, places, copies, o)) {
            bias_.back().emplace(context.n(), limbs, Form::coefficient);
            context.plain_for(plaintext->t()).add_scaled(context.ring(), *plaintext, *bias_.back(), false);
        }
    }
}

std::size_t PackedKernel::bytes() const {
    std::size_t bytes = product_.bytes();
    for (const auto& bias : bias_) {
        bytes += bias ? bias->n() * bias->limbs() * sizeof(std::uint64_t) : 0;
    }
    return bytes;
}

void PackedKernel::apply(const Context& context, std::vector<Ciphertext>& values, const GaloisKeys& keys,
                         const RunControl& control) const {
    values = product_.apply(context, values, keys, control.threads, control.stop);
    for (std::size_t o = 0; o < values.size(); ++o) {
        for (const std::vector<int>& steps : folds_) {
            values[o] = add_rotations(context, values[o], steps, keys, control.threads);
        }
        if (bias_[o]) {
            add(context.ring().data(), values[o].parts[0], *bias_[o], values[o].parts[0]);
        }
    }
}

}  // namespace lacuna
