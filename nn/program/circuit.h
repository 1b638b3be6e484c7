// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <lacuna/nn/program/choices.h>
#include <lacuna/nn/program/plan_step.h>
#include <lacuna/nn/program/program.h>
#include <lacuna/nn/program/setting.h>
#include <lacuna/nn/program/stage.h>

namespace lacuna {

/// A program with every open choice settled, and the accounts of it.
struct Circuit {
    Program program;
    Choices choices;              ///< that it was compiled with
    std::vector<PlanStep> steps;  ///< its lines, names left out
    double output_budget_bits = 0;
    double reply_budget_bits = 0;
    std::size_t replies = 1;  ///< ciphertexts of a reply, over all plaintext moduli
    std::size_t reply_limbs = 1;
    std::size_t reply_parts = 2;
    bool relinearizes = false;

    [[nodiscard]] double cost() const;
};

/// The cheapest program of these stages that noise lets decrypt: where to drop limbs (as early and as far as
/// the proof of correct decryption allows), whether the first square is unscaled, how few limbs the reply
/// needs. Nothing where none decrypts.
[[nodiscard]] std::optional<Circuit> plan_circuit(std::span<const Stage> stages,
                                                  const ProgramSetting& setting);

/// The program with choices that were found before. Its proof is done again: nothing where it does not
/// decrypt, or where no program has such choices. reply_limbs is found anew, from the one there on.
[[nodiscard]] std::optional<Circuit> replay_circuit(std::span<const Stage> stages,
                                                    const ProgramSetting& setting, const Choices& choices);

}  // namespace lacuna
