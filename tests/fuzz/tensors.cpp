// SPDX-License-Identifier: Apache-2.0
//
// Uploads and replies, for a plan of one pixel and one logit. Plans that travel must be secure, so the ring
// is the smallest that is.

#include <lacuna/nn/client/tensor_file.h>
#include <lacuna/ntt/error.h>
#include "tests/fuzz/input.h"

namespace lacuna::testing {
namespace {

ClientPlan tiny_plan() {
    ClientPlan plan;
    plan.model = "tiny";
    plan.parameters.n = 1024;
    plan.parameters.data_primes = {67104769};
    plan.parameters.plain_moduli = {12289};
    plan.input_shape = {1, 1, 1};
    plan.thresholds = {128};
    plan.classes = 1;
    plan.batch = 16;
    plan.relin_keys = false;
    plan.reply_dropped_bits = {4, 2};
    return plan;
}

template <typename Read>
void attempt(std::span<const std::uint8_t> bytes, Read read) {
    Source source(bytes, "fuzz");
    try {
        (void)read(source);
    } catch (const Error&) {
        // The one way in which a loader may fail.
    }
}

}  // namespace
}  // namespace lacuna::testing

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lacuna;
    static const ClientPlan plan = testing::tiny_plan();
    const std::span<const std::uint8_t> bytes(data, size);
    static const Context context(plan.parameters);
    testing::attempt(bytes, [](Source& source) { return read_upload_head(source); });
    testing::attempt(bytes, [](Source& source) { return read_tensor_head(source); });
    testing::attempt(bytes, [&](Source& source) { return load_upload(source, context, plan); });
    testing::attempt(bytes, [&](Source& source) { return load_reply(source, context, plan, KeySetId{}); });
    return 0;
}
