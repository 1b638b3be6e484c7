// SPDX-License-Identifier: Apache-2.0
#include "tools/kept_plan.h"

#include <ostream>
#include <string>

#include <lacuna/he/files/output_file.h>
#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

std::string made_for(const std::optional<Packing>& packing, int security, int privacy_bits) {
    return std::string(packing ? packing_name(*packing) : "any") + " packing, " + std::to_string(security) +
           " bits of security and " + std::to_string(privacy_bits) + " of circuit privacy";
}

void check_request(const std::filesystem::path& file, const ClientPlan& client, const PlanRequest& request) {
    const bool moduli =
        request.plain_moduli == 0 || request.plain_moduli == client.parameters.plain_moduli.size();
    if (request.packing.value_or(client.packing) != client.packing ||
        request.security != client.parameters.security || request.privacy_bits != client.privacy_bits ||
        request.public_encryption != client.public_encryption || !moduli) {
        throw Error(file.string() + ": expected a plan for " +
                    made_for(request.packing, request.security, request.privacy_bits) + ", found one for " +
                    made_for(client.packing, client.parameters.security, client.privacy_bits) +
                    (moduli ? "" : " with another number of plaintext moduli") +
                    "; ask for what it was made for, or name another file");
    }
}

}  // namespace

Plan kept_plan(const std::filesystem::path& file, const Model& model, const PlanRequest& request,
               const std::stop_token& stop) {
    if (std::filesystem::exists(file)) {
        Plan plan = load_compiled_plan(file, model, stop);
        check_request(file, plan.client, request);
        return plan;
    }
    Plan plan = make_plan(model, request, stop);
    write_file(file, Access::everyone, Overwrite::refuse,
               [&](std::ostream& stream) { stream << format_compiled_plan(plan); });
    return plan;
}

}  // namespace lacuna
