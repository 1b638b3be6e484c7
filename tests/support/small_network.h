// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include <lacuna/ntt/error.h>
#include "tests/support/inference.h"

namespace lacuna::testing {

/// With integers as plaintext moduli, but for the packed packing.
inline PlanRequest request_of(Packing packing, int privacy_bits = 0) {
    PlanRequest request;
    request.packing = packing;
    request.privacy_bits = privacy_bits;
    request.plain_kind = PlainKind::integers;
    return request;
}

/// Slots and radix modulo a binomial.
inline PlanRequest binomial_request_of(Packing packing, std::size_t batch = 1, int privacy_bits = 0) {
    PlanRequest request = request_of(packing, privacy_bits);
    request.batch = batch;
    request.plain_kind = PlainKind::binomial;
    return request;
}

/// The message of the Error that a call throws, or nothing.
template <typename Call>
std::string refusal(const Call& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

/// Quick enough for the sanitizers.
inline Model small_network() {
    return SmallModel(1).one_activation(2, 2, 2, 3);
}

/// Keys are made once for each packing; an Inference is immutable.
inline const Inference& small_inference(Packing packing) {
    static const Inference slots(small_network(), request_of(Packing::slots));
    static const Inference radix(small_network(), request_of(Packing::radix));
    static const Inference packed(small_network(), request_of(Packing::packed));
    return packing == Packing::slots ? slots : packing == Packing::radix ? radix : packed;
}

/// One small network in each packing.
class SmallNetwork : public ::testing::TestWithParam<Packing> {
  protected:
    const Inference& inference_ = small_inference(GetParam());
    SmallModel random_{77};
    const Model model_ = small_network();
};

inline std::string packing_param_name(const ::testing::TestParamInfo<Packing>& info) {
    return packing_name(info.param);
}

}  // namespace lacuna::testing
