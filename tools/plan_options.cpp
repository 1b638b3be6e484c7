// SPDX-License-Identifier: Apache-2.0
#include "tools/plan_options.h"

#include <algorithm>
#include <thread>

#include "tools/option_checks.h"

namespace lacuna {

void add_privacy_options(CLI::App& command, PlanOptions& options) {
    auto* bits =
        command
            .add_option("--privacy-bits", options.privacy_bits,
                        "circuit privacy: replies say nothing of the model but the answer, to within a "
                        "statistical distance of 2^-B (default 40)")
            ->type_name("B")
            ->transform(decimal())
            ->check(CLI::Range(1, 128));
    command.add_flag("--no-circuit-privacy", options.no_circuit_privacy, "leave circuit privacy out")
        ->excludes(bits);
}

void PlanOptions::add_to(CLI::App& command) {
    command
        .add_option("--packing", packing,
                    "slots (a batch of images in every ciphertext), packed (an image in one or a few "
                    "ciphertexts, lowest latency), radix (a single image, weights +-2^k as shifts) or auto "
                    "(whichever is estimated faster for the batch)")
        ->capture_default_str()
        ->check(CLI::IsMember({"auto", "slots", "radix", "packed"}));
    command.add_option("--security", security, "bits of security by the 2024 guidelines")
        ->capture_default_str()
        ->transform(decimal())
        ->check(CLI::IsMember({128, 192, 256}));
    command
        .add_option(
            "--plain-moduli", plain_moduli,
            "how many integers as plaintext moduli share the range of the logits (default: integers or a "
            "binomial x^k - b, whichever costs least)")
        ->type_name("N")
        ->transform(decimal())
        ->check(CLI::Range(std::size_t{1}, PlanLimits::plain_moduli));
    add_privacy_options(command, *this);
}

PlanRequest PlanOptions::request(std::size_t batch) const {
    PlanRequest request;
    request.batch = batch;
    request.packing = find_packing(packing);
    request.security = security;
    request.plain_moduli = plain_moduli;
    request.public_encryption = public_encryption;
    request.privacy_bits = no_circuit_privacy ? 0 : privacy_bits.value_or(default_privacy_bits);
    return request;
}

void add_threads_option(CLI::App& command, int& threads) {
    threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    command.add_option("--threads", threads, "threads to work with")
        ->type_name("T")
        ->capture_default_str()
        ->transform(decimal())
        ->check(CLI::Range(1, 1024));
}

void add_json_option(CLI::App& command, bool& json) {
    command.add_flag("--json", json, "one JSON object on standard output instead of text");
}

}  // namespace lacuna
