// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/evaluation/diagonal_product.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include <lacuna/he/evaluation/evaluator.h>
#include <lacuna/he/evaluation/giant_chain.h>
#include <lacuna/he/evaluation/giant_steps.h>
#include <lacuna/he/fv/rotation.h>
#include <lacuna/ntt/error.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

using namespace detail;

// ---- preparation

DiagonalProduct::DiagonalProduct(const Context& context, const BinomialEncoder& encoder, std::size_t inputs,
                                 std::size_t outputs, std::size_t limbs, std::span<const Diagonal> diagonals,
                                 const RotationSchedule& schedule, int threads)
    : DiagonalProduct(context, encoder, inputs, outputs, limbs, diagonals, schedule,
                      std::vector<bool>(diagonals.size(), true), threads) {}

DiagonalProduct::DiagonalProduct(const Context& context, const BinomialEncoder& encoder, std::size_t inputs,
                                 std::size_t outputs, std::size_t limbs, std::span<const Diagonal> diagonals,
                                 const RotationSchedule& schedule, const std::vector<bool>& wanted,
                                 int threads)
    : inputs_(inputs),
      outputs_(outputs),
      limbs_(limbs),
      wide_(schedule.babies > 0),
      extended_(outputs, schedule.babies > 0) {
    const std::size_t k = encoder.slots();
    if (schedule.terms.size() != diagonals.size() || wanted.size() != diagonals.size()) {
        throw Error("diagonal product: expected a schedule of " + std::to_string(diagonals.size()) +
                    " diagonals, found one of " + std::to_string(schedule.terms.size()));
    }
    const Evaluator evaluator(context);
    std::map<std::pair<std::size_t, int>, std::size_t> baby_index;
    std::map<std::pair<std::size_t, int>, std::size_t> group_index;
    struct Position {
        std::size_t group;
        std::size_t product;
    };
    std::vector<Position> positions;
    for (std::size_t d = 0; d < diagonals.size(); ++d) {
        const RotationSchedule::Term& term = schedule.terms[d];
        const Diagonal& diagonal = diagonals[d];
        if (diagonal.values.size() > k || term.input >= inputs || term.output >= outputs ||
            diagonal.rotation.input != term.input || diagonal.rotation.output != term.output) {
            throw Error("diagonal product: expected diagonals of at most " + std::to_string(k) +
                        " values between " + std::to_string(inputs) + " inputs and " +
                        std::to_string(outputs) + " outputs, found one of " +
                        std::to_string(diagonal.values.size()) + " from " + std::to_string(term.input) +
                        " to " + std::to_string(term.output));
        }
        extended_[term.output] = extended_[term.output] || term.giant != 0;
        if (!wanted[d]) {
            positions.push_back({0, 0});
            continue;
        }
        const auto element = [&](int steps) {
            return rotation_element(context.n(), PlainModulus::binomial(k, 2), steps);
        };
        const auto [baby, new_baby] = baby_index.try_emplace({term.input, term.baby}, babies_.size());
        if (new_baby) {
            babies_.push_back({term.input, element(term.baby)});
        }
        const auto [group, new_group] = group_index.try_emplace({term.output, term.giant}, groups_.size());
        if (new_group) {
            groups_.push_back({term.output, element(term.giant), {}, {}});
        }
        Group& target = groups_[group->second];
        positions.push_back({group->second, target.babies.size()});
        target.babies.push_back(baby->second);
    }
    const auto count = std::ranges::count(wanted, true);
    if (schedule.chained && count != 0 && count != std::ssize(wanted)) {
        throw Error("diagonal product: expected all diagonals of chained giant steps or none, found " +
                    std::to_string(count) + " of " + std::to_string(wanted.size()) +
                    "; steps that wait for each other have no parts");
    }
    for (std::size_t output = 0; schedule.chained && count != 0 && output < outputs; ++output) {
        const std::vector<int> giants = giants_of(schedule, output);
        auto& chain = chains_.emplace_back();
        for (std::size_t i = 0; i < giants.size(); ++i) {
            const int next = i + 1 < giants.size() ? giants[i + 1] : 0;
            chain.push_back({group_index.at({output, giants[i]}),
                             rotation_element(context.n(), PlainModulus::binomial(k, 2), giants[i] - next)});
        }
    }
    const std::size_t rows = wide_ ? limbs + context.ring().special().size() : limbs;
    for (Group& group : groups_) {
        for (std::size_t i = 0; i < rows; ++i) {
            group.values.push_back(Buffer::uninitialised(group.babies.size() * std::max(context.n(), block)));
        }
    }
    std::vector<PlainModulus> moduli(diagonals.size());
    in_parallel(threads, diagonals.size(), {}, [&](std::size_t d) {
        if (!wanted[d]) {
            return;
        }
        const Plaintext plaintext = encoder.encode(turned_values(diagonals[d], schedule.terms[d].giant, k));
        PreparedPlaintext prepared =
            wide_ ? evaluator.prepare_for_rotations(plaintext, limbs) : evaluator.prepare(plaintext, limbs);
        moduli[d] = prepared.t;
        Group& group = groups_[positions[d].group];
        for (std::size_t i = 0; i < rows; ++i) {
            const std::span<const std::uint64_t> row = prepared.values.limb_span(i);
            std::uint64_t* to = group.values[i].data() + positions[d].product * block;
            for (std::size_t begin = 0; begin < row.size(); begin += block) {
                std::ranges::copy(row.subspan(begin, std::min(block, row.size() - begin)), to);
                to += group.babies.size() * block;
            }
        }
    });
    const auto first = std::ranges::find(wanted, true);
    t_ = first == wanted.end() ? PlainModulus() : moduli[static_cast<std::size_t>(first - wanted.begin())];
}

std::size_t DiagonalProduct::bytes() const {
    std::size_t bytes = 0;
    for (const Group& group : groups_) {
        for (const Buffer& row : group.values) {
            bytes += row.size() * sizeof(std::uint64_t);
        }
    }
    return bytes;
}

void DiagonalProduct::check(const Context& context, std::span<const Ciphertext> inputs) const {
    const Ring& ring = context.ring();
    const bool fits = std::ranges::all_of(inputs, [&](const Ciphertext& input) {
        return input.ring == ring.hash() && input.size() == 2 && (groups_.empty() || input.t == t_) &&
               input.t == inputs.front().t && input.has_shape(ring.n(), limbs_, Form::coefficient);
    });
    if (inputs.empty() || inputs.size() != inputs_ || !fits) {
        throw Error(
            "diagonal product: expected " + std::to_string(inputs_) + " ciphertexts of this ring, size 2, " +
            std::to_string(limbs_) + " limbs, coefficient form and modulo " + to_string(t_) + ", found " +
            std::to_string(inputs.size()) + " that are not; relinearize them, or compile for their level");
    }
}

// ---- running

std::vector<Ciphertext> DiagonalProduct::apply(const Context& context, std::span<const Ciphertext> inputs,
                                               const GaloisKeys& keys, int threads,
                                               const std::stop_token& stop) const {
    check(context, inputs);
    check_keys("diagonal product", context.ring(), keys);
    std::vector<Ciphertext> results;
    const auto all = [&](auto run) {
        for (std::size_t o = 0; o < outputs_; ++o) {
            results.push_back(run.output(o));
        }
    };
    if (chained()) {
        all(GiantChain(*this, context.ring(), inputs, keys, threads, stop));
    } else {
        all(GiantSteps(*this, context.ring(), inputs, keys, threads, stop));
    }
    return results;
}

std::vector<Ciphertext> DiagonalProduct::partial_sums(const Context& context,
                                                      std::span<const Ciphertext> inputs,
                                                      std::span<const std::size_t> outputs,
                                                      const GaloisKeys& keys, int threads,
                                                      const std::stop_token& stop) const {
    check(context, inputs);
    check_keys("diagonal product", context.ring(), keys);
    if (chained()) {
        throw Error(
            "diagonal product: expected giant steps that do not wait for each other, found chained ones; "
            "apply() it whole");
    }
    GiantSteps run(*this, context.ring(), inputs, keys, threads, stop);
    std::vector<Ciphertext> results;
    for (const std::size_t o : outputs) {
        results.push_back(run.partial_sum(o));
    }
    return results;
}

Ciphertext DiagonalProduct::divide(const Context& context, Ciphertext sum, std::size_t output,
                                   int threads) const {
    const Ring& ring = context.ring();
    const std::size_t rows = extended_[output] ? limbs_ + ring.special().size() : limbs_;
    if (sum.ring != ring.hash() || sum.size() != 2 || !sum.has_shape(ring.n(), rows, Form::ntt)) {
        throw Error("diagonal product: expected a sum of two polynomials of " + std::to_string(rows) +
                    " limbs in NTT form, found another; add up partial_sums() of one product");
    }
    const auto tables = [&](std::size_t i) -> const NttTables& {
        return ring.key_basis().tables(extended_prime(ring, limbs_, i));
    };
    if (!extended_[output]) {
        for (RnsPolynomial& part : sum.parts) {
            for (std::size_t i = 0; i < limbs_; ++i) {
                tables(i).inverse(part.limb_span(i));
            }
            part.set_form(Form::coefficient);
        }
        return sum;
    }
    ExtendedPair pair(ring, limbs_);
    in_parallel(threads, rows, {}, [&](std::size_t i) {
        for (std::size_t part = 0; part < 2; ++part) {
            std::copy_n(sum.parts[part].limb(i), ring.n(), pair.row(part, i));
        }
        pair.to_coefficients(i);
    });
    return ciphertext_of(sum, std::move(pair).divided());
}

void add_partial_sum(const Context& context, Ciphertext& sum, const Ciphertext& part) {
    const Ring& ring = context.ring();
    const std::size_t rows = sum.limbs();
    if (sum.size() != 2 || part.size() != 2 || !part.has_shape(ring.n(), rows, Form::ntt) ||
        !sum.has_shape(ring.n(), rows, Form::ntt)) {
        throw Error("diagonal product: expected two sums of one output, found others");
    }
    const std::size_t special = ring.special().size();
    const std::size_t limbs = rows > special ? rows - special : rows;
    for (std::size_t p = 0; p < 2; ++p) {
        for (std::size_t i = 0; i < rows; ++i) {
            ring.kernels().add(sum.parts[p].limb(i), sum.parts[p].limb(i), part.parts[p].limb(i), ring.n(),
                               ring.key_basis().modulus(extended_prime(ring, limbs, i)));
        }
    }
}

}  // namespace lacuna
