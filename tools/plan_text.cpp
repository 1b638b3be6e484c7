// SPDX-License-Identifier: Apache-2.0
#include "tools/plan_text.h"

#include <sstream>

#include "tools/quantity.h"
#include "tools/table.h"
#include "tools/terminal_text.h"

namespace lacuna {

namespace {

constexpr std::size_t reason_bytes = 2000;

OperationCounts times(const OperationCounts& counts, std::size_t factor) {
    OperationCounts product;
    for (std::size_t i = 0; i < factor; ++i) {
        product += counts;
    }
    return product;
}

/// Of how many images the figures of a packed plan are.
std::string share_text(const ClientPlan& client) {
    if (client.packing != Packing::packed || client.batch == 1) {
        return "";
    }
    return client.packed.images == 1 ? ", of every image"
                                     : ", of every " + std::to_string(client.packed.images) + " images";
}

}  // namespace

std::vector<std::string> operation_heads(const std::string& first) {
    return {first, "PT-CT adds", "CT-CT adds", "PT-CT mults", "CT-CT mults", "total"};
}

std::vector<std::string> operation_cells(const std::string& first, const OperationCounts& counts) {
    return {first,
            count_text(counts.pt_ct_adds),
            count_text(counts.ct_ct_adds),
            count_text(counts.pt_ct_mults),
            count_text(counts.ct_ct_mults),
            count_text(counts.total())};
}

std::string plan_text(const Plan& plan, double speed) {
    std::ostringstream text;
    const ClientPlan& client = plan.client;
    const Parameters& parameters = client.parameters;
    text << "Plan for " << terminal_text(client.model) << ": up to " << count_text(client.batch)
         << (client.batch == 1 ? " image" : " images") << " a request, " << packing_name(client.packing)
         << " packing\n\n";
    Table steps({"step", "elements", "limbs", "parts", "budget", "time", "why"}, true);
    for (const PlanStep& step : plan.steps) {
        const double seconds = step.cost * speed * static_cast<double>(plan.moduli()) * 1e-9;
        steps.add({step.name, count_text(step.elements), std::to_string(step.limbs),
                   std::to_string(step.size), decimal_text(step.budget_bits, 2), seconds_text(seconds),
                   step.reason});
    }
    text << steps
         << "  (budget: proven noise budget in bits after the step; time: estimate for this machine, "
         << "one thread, all moduli)\n\n";
    Table operations(operation_heads("operations"));
    for (const LayerOperations& layer : plan.operations.layers) {
        operations.add(operation_cells(layer.name, layer.counts));
    }
    const OperationCounts total = plan.operations.total();
    operations.add(operation_cells("one modulus", total));
    operations.add(
        operation_cells(std::to_string(plan.moduli()) + (plan.moduli() == 1 ? " modulus" : " moduli"),
                        times(total, plan.moduli())));
    text << operations << '\n';
    text << "Parameters: n = " << parameters.n << ", log2 Q = " << decimal_text(plan.log_q(), 1)
         << ", log2 QP = " << decimal_text(plan.log_qp(), 1) << ", " << parameters.data_primes.size()
         << " data primes, " << parameters.special_primes.size() << " special, t =";
    for (const PlainModulus& t : client.plain_moduli()) {
        text << ' ' << to_string(t);
    }
    text << "\nKeys: " << (client.relin_keys ? "relinearisation" : "none")
         << (client.galois_elements.empty()
                 ? std::string()
                 : ", " + std::to_string(client.galois_elements.size()) + " rotations")
         << (client.sends_public_key() ? ", public" : "") << "; " << bytes_text(plan.evaluation_key_bytes())
         << "\nUpload " << bytes_text(plan.upload_bytes()) << ", reply " << bytes_text(plan.download_bytes())
         << ", estimated time " << seconds_text(plan.cost() * speed * 1e-9) << " on one thread"
         << share_text(client) << "\n\nWhy:\n";
    for (const std::string& reason : plan.reasons) {
        text << "  - " << terminal_text(reason, reason_bytes) << '\n';
    }
    return text.str();
}

}  // namespace lacuna
