// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <gmpxx.h>

#include <lacuna/nn/client/client_plan.h>
#include <lacuna/nn/model/model.h>
#include <lacuna/nn/plan/recipe.h>
#include <lacuna/nn/program/operations.h>
#include <lacuna/nn/program/plan_step.h>
#include <lacuna/nn/program/program.h>

namespace lacuna {

/// Which plaintext moduli slots and radix may have.
enum class PlainKind {
    any,       ///< whichever is estimated faster
    integers,  ///< integers t, several joined by CRT
    binomial,  ///< one x^k - b; radix: x - 2
};

struct PlanRequest {
    std::size_t batch = 1;
    std::optional<Packing> packing{};  ///< none: whichever is estimated faster for this batch
    int security = 128;
    int privacy_bits = 0;            ///< 0: no circuit privacy
    bool public_encryption = false;  ///< leave room for the noise of images encrypted with a public key
    std::size_t plain_moduli = 0;    ///< how many integers as plaintext moduli; 0: as many as cost least
    PlainKind plain_kind = PlainKind::any;  ///< a number of plain_moduli asks for integers, too

    /// Whether plaintext moduli may be of this kind.
    [[nodiscard]] bool takes(PlainKind kind) const {
        return (plain_kind == PlainKind::any || plain_kind == kind) &&
               (kind == PlainKind::integers || plain_moduli == 0);
    }
};

/// Everything that encrypted inference of a model will do, decided before there is a key.
struct Plan {
    ClientPlan client;
    Program program;              ///< of every plaintext modulus
    std::vector<PlanStep> steps;  ///< its lines as they print
    Digest model_digest{};        ///< of the model whose ranges and noise are proven here
    ModelOperations operations;   ///< of one inference, one plaintext modulus
    mpz_class range;              ///< proven: the largest |logit|, or |coefficient| of one (radix, integers)
    std::size_t degree = 0;       ///< proven: the largest degree of a digit polynomial (radix)
    double output_budget_bits = 0;  ///< proven noise budget at the output, before the last switch
    double reply_budget_bits = 0;   ///< and at the reply, low bits left out
    std::vector<std::string> reasons;
    PlanRecipe recipe;

    [[nodiscard]] double log_q() const;
    [[nodiscard]] double log_qp() const;
    [[nodiscard]] std::size_t moduli() const { return client.plain_moduli().size(); }
    /// Nominal nanoseconds of one request on one thread, all plaintext moduli.
    [[nodiscard]] double cost() const;

    // Sizes of one request in bytes, residues bit-packed, headers left out.
    [[nodiscard]] double evaluation_key_bytes() const;
    [[nodiscard]] double upload_bytes() const;
    [[nodiscard]] double download_bytes() const;
};

/// Chooses packing, plaintext moduli (from proven ranges), ring, primes and levels (from proven noise), and
/// where to relinearise. Throws Error that says which bound cannot be met and what to change. The search can
/// take a minute: throws Stopped where a stop was requested.
[[nodiscard]] Plan make_plan(const Model& model, const PlanRequest& request,
                             const std::stop_token& stop = {});

/// The plan that make_plan made of this model once, from its client's half and its recipe. Nothing is
/// searched for, and what the model and these say is proven again: ranges, levels, noise, and that a client's
/// half of such a plan is this one. Taken from the recipe are the norms of layers alone. Throws Error where
/// model, half and recipe do not belong together, and Stopped where a stop was requested.
[[nodiscard]] Plan remake_plan(const Model& model, const ClientPlan& client, const PlanRecipe& recipe,
                               const std::stop_token& stop = {});

/// A plan as a file of the server's (nn/plan/plan_format.md), without the model but for its digest.
[[nodiscard]] std::string format_compiled_plan(const Plan& plan);
/// Back, by remake_plan; `source` names the text in errors. Throws Error for whatever is no such file, is
/// damaged, or was made for another model, and Stopped where a stop was requested.
[[nodiscard]] Plan parse_compiled_plan(std::string_view json, const Model& model, const std::string& source,
                                       const std::stop_token& stop = {});
/// Reads it from a file, never more than the largest that parse_compiled_plan takes. Throws Error that names
/// the file, and Stopped where a stop was requested.
[[nodiscard]] Plan load_compiled_plan(const std::filesystem::path& file, const Model& model,
                                      const std::stop_token& stop = {});

/// What such a file says of itself, without the model.
struct CompiledPlanHead {
    ClientPlan client;
    Digest model_digest{};
};
[[nodiscard]] CompiledPlanHead load_compiled_plan_head(const std::filesystem::path& file);

/// The whole plan as JSON, for people and tools.
[[nodiscard]] std::string format_plan(const Plan& plan);

}  // namespace lacuna
