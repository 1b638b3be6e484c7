// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/server/key_set.h>

#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

[[noreturn]] void fail(const std::string& source, const std::string& expected) {
    throw Error(source + ": expected " + expected +
                ", which the plan asks for, found none; these keys belong to another plan: keep the files of "
                "one `lacuna keygen` together");
}

}  // namespace

void check_evaluation_keys(const ClientPlan& plan, const EvaluationKeys& keys, const std::string& source) {
    if (plan.relin_keys && !keys.relin_keys) {
        fail(source, "a relinearisation key");
    }
    for (const std::uint32_t element : plan.galois_elements) {
        if (!keys.galois_keys.entries.contains(element)) {
            fail(source, "a Galois key of element " + std::to_string(element));
        }
    }
    if (plan.public_key && !keys.public_key) {
        fail(source, "a public key");
    }
}

bool names_a_client(const EvaluationKeys& keys) {
    return keys.public_key || keys.relin_keys || !keys.galois_keys.entries.empty();
}

}  // namespace lacuna
