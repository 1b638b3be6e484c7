// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/server/packed_kernel.h>

#include <algorithm>
#include <cstddef>
#include <numeric>

#include <lacuna/he/evaluation/rotation_sum.h>
#include <lacuna/nn/plan/giant_steps.h>
#include <lacuna/rns/ring_operations.h>

namespace lacuna {

std::optional<Plaintext> packed_plaintext(const BinomialEncoder& encoder, std::span<const mpz_class> values,
                                          const PackedPlaces& all, std::size_t index) {
    const auto& [places, copies, images] = all;
    std::vector<mpz_class> slots(encoder.slots());
    bool any = false;
    for (std::size_t e = 0; e < places.size(); ++e) {
        if (places[e].ciphertext == index && values[e] != 0) {
            for (std::size_t i = 0; i < copies.count; ++i) {
                const std::size_t first = repeat_of(places[e], copies, i, slots.size()).position;
                std::fill_n(slots.begin() + static_cast<std::ptrdiff_t>(first), images, values[e]);
            }
            any = true;
        }
    }
    return any ? std::optional(encoder.encode(slots)) : std::nullopt;
}

namespace {

/// Which diagonals the groups hold.
std::vector<bool> diagonals_of(const PackedLayer& layer, std::span<const std::uint32_t> groups) {
    std::vector<bool> wanted(layer.diagonals.size());
    const std::vector<GiantGroup> all = giant_groups(layer.schedule);
    for (const std::uint32_t g : groups) {
        for (const std::size_t d : all[g].diagonals) {
            wanted[d] = true;
        }
    }
    return wanted;
}

std::vector<std::uint32_t> all_groups(const PackedLayer& layer) {
    std::vector<std::uint32_t> groups(giant_groups(layer.schedule).size());
    std::iota(groups.begin(), groups.end(), 0U);
    return groups;
}

}  // namespace

PackedKernel::PackedKernel(const Context& context, const BinomialEncoder& encoder, const PackedLayer& layer,
                           const Outputs& outputs, std::size_t limbs, int threads)
    : PackedKernel(context, encoder, layer, outputs, limbs, all_groups(layer), true, threads) {}

PackedKernel::PackedKernel(const Context& context, const BinomialEncoder& encoder, const PackedLayer& layer,
                           const Outputs& outputs, std::size_t limbs, std::span<const std::uint32_t> groups,
                           bool first, int threads)
    : product_(context, encoder, layer.account.inputs, layer.account.outputs, limbs, layer.diagonals,
               layer.schedule, diagonals_of(layer, groups), threads),
      folds_(layer.folds) {
    std::vector<bool> touched(layer.account.outputs, first);
    const std::vector<GiantGroup> all = giant_groups(layer.schedule);
    for (const std::uint32_t g : groups) {
        touched[all[g].output] = true;
    }
    for (std::size_t o = 0; o < layer.account.outputs; ++o) {
        if (touched[o]) {
            outputs_.push_back(o);
        }
        bias_.emplace_back();
        if (!first) {
            continue;
        }
        if (const auto plaintext = packed_plaintext(encoder, outputs.bias, outputs.places, o)) {
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
    fold(context, values, keys, control);
}

std::vector<Ciphertext> PackedKernel::partial_sums(const Context& context, std::span<const Ciphertext> values,
                                                   const GaloisKeys& keys, const RunControl& control) const {
    return product_.partial_sums(context, values, outputs_, keys, control.threads, control.stop);
}

void PackedKernel::finish(const Context& context, std::vector<Ciphertext>& sums, const GaloisKeys& keys,
                          const RunControl& control) const {
    for (std::size_t o = 0; o < sums.size(); ++o) {
        sums[o] = product_.divide(context, std::move(sums[o]), o, control.threads);
    }
    fold(context, sums, keys, control);
}

void PackedKernel::fold(const Context& context, std::vector<Ciphertext>& values, const GaloisKeys& keys,
                        const RunControl& control) const {
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
