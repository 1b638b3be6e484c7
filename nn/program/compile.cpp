// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/compile.h>

#include <algorithm>

#include <lacuna/nn/packing/rules.h>

namespace lacuna {

namespace {

class Compiler {
  public:
    Compiler(std::span<const Stage> stages, const ProgramSetting& setting, const CostModel& cost,
             const Choices& choices)
        : stages_(stages),
          setting_(setting),
          cost_(cost),
          choices_(choices),
          limbs_(setting.parameters.data_bits.size() + setting.parameters.data_primes.size()),
          unscaled_next_(choices.unscaled) {}

    Program run() {
        for (std::size_t s = 0; s < stages_.size(); ++s) {
            switch_to(choices_.limbs[s]);
            if (stages_[s].linear) {
                linear(s);
            } else {
                activation(s);
            }
        }
        reply();
        return std::move(program_);
    }

  private:
    /// Appends a step, to the last line or as a new one.
    template <typename Kind>
    Step& append(Kind kind, std::string_view reason = "") {
        Step& step = program_.emplace_back();
        step.kind = kind;
        step.line = line_++;
        step.elements = elements_;
        step.limbs = limbs_;
        step.size = size_;
        step.reason = reason;
        return step;
    }

    void relinearize(std::string_view reason) {
        size_ = 2;
        append(RelinearizeStep{}, reason);
    }

    void switch_to(std::size_t limbs) {
        if (limbs < limbs_ && drops_) {
            drop_in_product();
        }
        if (limbs < limbs_) {
            limbs_ = limbs;
            append(ModSwitchStep{}, "the noise leaves room: fewer limbs are less work from here on");
        }
    }

    /// The first prime to go is divided out in the rounding of the product that was made last.
    void drop_in_product() {
        Step& sum_step = program_.back();
        auto& sum = std::get<WeightedSumStep>(sum_step.kind);
        sum.drop = true;
        sum_step.limbs = --limbs_;
        sum_step.reason = sum_step.reason.empty()
                              ? "drops a prime in the product's own rounding: the noise leaves room"
                              : "unscaled: next to fresh noise the square of the noise is small; drops a "
                                "prime: the noise leaves room";
        for (auto step = program_.rbegin() + 1; step != program_.rend(); ++step) {
            auto* product = std::get_if<ProductStep>(&step->kind);
            if (product != nullptr && product->powers.power() == sum.highest) {
                product->drop = true;
                step->limbs = limbs_;
                return;
            }
        }
    }

    void linear(std::size_t stage) {
        elements_ = stages_[stage].elements;
        append(LinearStep{stages_[stage].layer, stage},
               stage == 0 && !stages_[stage].diagonals
                   ? "fresh noise is independent: it grows with the root of the sum of squares"
                   : "");
        drops_ = false;
        if (size_ == 3 && !setting_.keyless) {
            relinearize("after the sum: fewer ciphertexts to relinearise than before it");
        }
    }

    /// From values of size 2, or 3 without keys: linear() leaves these, and so does an activation, but for a
    /// linear stage.
    void activation(std::size_t s) {
        const Stage& stage = stages_[s];
        elements_ = stage.elements;
        const bool unscaled = std::exchange(unscaled_next_, false);
        const std::vector<bool> needed = stage.needed();
        const Program steps = activation_steps(needed);
        const std::size_t line = line_;
        std::vector<std::size_t> sizes(std::max<std::size_t>(needed.size(), 2), 3);
        sizes[1] = size_;
        for (const Step& step : steps) {
            if (const auto* product = step.get_if<ProductStep>()) {
                for (const std::size_t factor : {product->powers.low, product->powers.high}) {
                    if (setting_.keyless) {
                        continue;
                    }
                    if (std::exchange(sizes[factor], 2) == 3) {
                        size_ = 2;
                        append(RelinearizeStep{factor}).line = line;
                    }
                }
                size_ = sizes[product->powers.low] + sizes[product->powers.high] - 1;
                sizes[product->powers.power()] = size_;
                const bool spends =
                    product->powers.is_square() && is_last_use(steps, step, product->powers.low, needed);
                append(ProductStep{product->powers, unscaled, false, spends}).line = line;
            } else {
                const auto& sum = std::get<WeightedSumStep>(step.kind);
                size_ = 2;
                for (std::size_t i = 1; i <= sum.highest; ++i) {
                    size_ = needed[i] ? std::max(size_, sizes[i]) : size_;
                }
                append(WeightedSumStep{stage.layer, s, sum.highest, false},
                       unscaled ? "unscaled: next to fresh noise the square of the noise is small" : "")
                    .line = line;
            }
        }
        line_ = line + 1;
        drops_ = stage.ends_in_product();
        if (size_ == 3 && !setting_.keyless && !waits_for_sum(s)) {
            drops_ = false;
            relinearize("before what follows: it needs or is cheaper with size 2");
        }
    }

    /// Whether nothing after this product takes this power.
    static bool is_last_use(const Program& steps, const Step& product, std::size_t power,
                            const std::vector<bool>& needed) {
        return !needed[power] &&
               std::none_of(&product + 1, steps.data() + steps.size(), [&](const Step& later) {
                   const auto* other = later.get_if<ProductStep>();
                   return other != nullptr && (other->powers.low == power || other->powers.high == power);
               });
    }

    /// Before the next sum or after it? After needs a third part in the sum, which rotations cannot turn.
    [[nodiscard]] bool waits_for_sum(std::size_t stage) const {
        if (stage + 1 == stages_.size() || !stages_[stage + 1].linear || stages_[stage + 1].diagonals) {
            return false;
        }
        const Stage& next = stages_[stage + 1];
        const double one = cost_.relinearize(limbs_);
        return static_cast<double>(next.elements) * one + cost_.linear(next.terms, 1, limbs_) <
               static_cast<double>(elements_) * one;
    }

    void reply() {
        // Joining costs noise, of which a program without keys has little.
        if (!setting_.keyless && std::visit([&](const auto& rules) { return rules.joins(elements_); },
                                            rules_of(setting_.packing, plain_power(setting_.parameters)))) {
            elements_ = 1;
            append(JoinStep{}, "the logits' digits side by side: one ciphertext to send");
        }
        if (stages_.back().diagonals && stages_.back().diagonals->parts > 1) {
            append(MaskStep{},
                   "the client adds up the parts of a logit: no rotation does; shares of zero hide them");
        }
        if (setting_.privacy_bits > 0) {
            append(FloodStep{},
                   "hides everything but the answer: a fresh encryption of zero and uniform noise");
        }
        if (choices_.reply_limbs != 0 && choices_.reply_limbs < limbs_) {
            limbs_ = choices_.reply_limbs;
            append(ModSwitchStep{}, "the reply travels at the lowest level that decrypts");
        }
    }

    std::span<const Stage> stages_;
    const ProgramSetting& setting_;
    const CostModel& cost_;
    const Choices& choices_;
    Program program_;
    std::size_t line_ = 0;
    // Of the values at hand:
    std::size_t elements_ = 0;
    std::size_t limbs_;
    std::size_t size_ = 2;
    bool drops_ = false;  // they end in a product that can drop a prime
    bool unscaled_next_;
};

}  // namespace

Program compile(std::span<const Stage> stages, const ProgramSetting& setting, const CostModel& cost,
                const Choices& choices) {
    return Compiler(stages, setting, cost, choices).run();
}

}  // namespace lacuna
