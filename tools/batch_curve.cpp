// SPDX-License-Identifier: Apache-2.0
#include "tools/batch_curve.h"

#include <iostream>

#include <nlohmann/json.hpp>

#include "tools/json_output.h"
#include "tools/machine_speed.h"
#include "tools/quantity.h"
#include "tools/table.h"
#include "tools/terminal_text.h"

namespace lacuna {

void print_batch_curve(const Model& model, const PlanOptions& options, std::span<const std::size_t> batches,
                       bool json, const std::stop_token& stop) {
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    Table table(
        {"images", "packing", "n", "requests", "share", "time", "time an image", "upload", "reply", "keys"});
    for (const std::size_t batch : batches) {
        const Plan plan = make_plan(model, options.request(batch), stop);
        const ClientPlan& client = plan.client;
        const std::size_t requests = (batch + client.batch - 1) / client.batch;
        // A packed plan's figures are those of one set of ciphertexts; images: that share one.
        const bool packed = client.packing == Packing::packed;
        const std::size_t images = packed ? client.packed.images : client.batch;
        const auto times = static_cast<double>((batch + images - 1) / images);
        const double seconds = times * plan.cost() * seconds_per_nominal_second(client.parameters) * 1e-9;
        table.add({count_text(batch), packing_name(client.packing), std::to_string(client.parameters.n),
                   count_text(requests), count_text(images), seconds_text(seconds),
                   seconds_text(seconds / static_cast<double>(batch)),
                   bytes_text(times * plan.upload_bytes()), bytes_text(times * plan.download_bytes()),
                   bytes_text(plan.evaluation_key_bytes())});
        rows.push_back({{"images", batch},
                        {"packing", packing_name(client.packing)},
                        {"n", client.parameters.n},
                        {"requests", requests},
                        {"images_per_request", client.batch},
                        {"images_per_ciphertext", images},
                        {"estimated_seconds", seconds},
                        {"upload_bytes", times * plan.upload_bytes()},
                        {"reply_bytes", times * plan.download_bytes()},
                        {"evaluation_key_bytes", plan.evaluation_key_bytes()}});
    }
    if (json) {
        print_json_document({{"model", model.name}, {"batches", rows}});
        return;
    }
    std::cout << "Batches of " << terminal_text(model.name) << ", each in the plan that is made for it\n\n"
              << table
              << "  (share: images that share a ciphertext; time: estimate for this machine, one thread, all "
                 "requests; upload and reply: of all "
                 "requests; keys: sent once)\n";
}

}  // namespace lacuna
