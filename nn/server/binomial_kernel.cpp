// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/server/binomial_kernel.h>

#include <map>

#include <lacuna/nn/model/model.h>
#include <lacuna/nn/packing/binomial.h>
#include <lacuna/ntt/parallel.h>
#include <lacuna/rns/ring_operations.h>

namespace lacuna {

namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);

}  // namespace

BinomialKernel::BinomialKernel(const Context& context, const LinearMap& map, const mpz_class& factor,
                               std::size_t limbs)
    : product_(context.n(), map.weights.columns,
               BinomialPacking::rows(map.weights, {context.plain().t(), context.n()})) {
    const BinomialRing ring{context.plain().t(), context.n()};
    std::map<mpz_class, std::size_t> known;
    for (const mpz_class& bias : map.bias) {
        if (bias == 0) {
            bias_of_row_.push_back(none);
            continue;
        }
        const auto [place, fresh] = known.emplace(bias, biases_.size());
        if (fresh) {
            RnsPolynomial& scaled = biases_.emplace_back(ring.n, limbs, Form::coefficient);
            context.plain().add_scaled(context.ring(), BinomialPacking::constant(bias * factor, ring), scaled,
                                       false);
        }
        bias_of_row_.push_back(place->second);
    }
}

std::size_t BinomialKernel::bytes() const {
    std::size_t bytes = 0;
    for (const RnsPolynomial& bias : biases_) {
        bytes += bias.n() * bias.limbs() * sizeof(std::uint64_t);
    }
    return bytes;
}

void BinomialKernel::apply(const Context& context, std::vector<Ciphertext>& values,
                           const RunControl& control) const {
    product_.transform(context, values, control.threads, control.stop);
    parallel_for(values.size(), control.threads, [&](std::size_t row) {
        if (const std::size_t bias = bias_of_row_[row]; bias != none) {
            add(context.ring().data(), values[row].parts[0], biases_[bias], values[row].parts[0]);
        }
    });
}

}  // namespace lacuna
