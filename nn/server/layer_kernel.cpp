// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/server/layer_kernel.h>

#include <lacuna/nn/model/overloaded.h>

namespace lacuna {

void apply(const LayerKernel& kernel, const Context& context, std::vector<Ciphertext>& values,
           const GaloisKeys& keys, const RunControl& control) {
    std::visit(Overloaded{
                   [&](const SparseProduct& product) {
                       product.transform(context, values, control.threads, control.stop);
                   },
                   [&](const BinomialKernel& binomial) { binomial.apply(context, values, control); },
                   [&](const PackedKernel& packed) { packed.apply(context, values, keys, control); },
               },
               kernel);
}

}  // namespace lacuna
