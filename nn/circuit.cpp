// SPDX-License-Identifier: Apache-2.0
#include "nn/circuit.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "he/flooding.h"
#include "nn/digits.h"
#include "rns/basis.h"

namespace lacuna {

namespace {

/// Nominal costs in nanoseconds, measured once with the AVX-512 kernel on one core at 4.2 GHz. Only their
/// ratios matter to the planner's choices; `lacuna plan` rescales the sum to the machine it runs on.
struct CostModel {
    explicit CostModel(const Parameters& parameters)
        : n(static_cast<double>(parameters.n)),
          special(static_cast<double>(parameters.special_bits.size() + parameters.special_primes.size())),
          digit_limbs(parameters.digit_limbs) {
        for (const int bits : parameters.data_bits) {
            log_data.push_back(bits);
        }
        for (const std::uint64_t prime : parameters.data_primes) {
            log_data.push_back(std::log2(static_cast<double>(prime)));
        }
    }

    [[nodiscard]] double transform() const {
        return nominal_transform_nanoseconds(static_cast<std::size_t>(n));
    }
    [[nodiscard]] double convert(double from, double to) const {
        return n * (from * 0.25 + to * (from + 1) * 0.06);
    }
    [[nodiscard]] double multiply(std::size_t limbs, bool square) const {
        const double l = static_cast<double>(limbs);
        const double log_q =
            std::accumulate(log_data.begin(), log_data.begin() + static_cast<long>(limbs), 0.0);
        // As Ring counts them, but for near-ties: their product, a little below a power of 2^50, exceeds n Q.
        const double helpers = std::ceil((log_q + std::log2(n) + 0x1p-24) / 50);
        const double total = l + helpers;
        return transform() * total * (square ? 5 : 7) + (square ? 2 : 4) * convert(l, helpers) +
               3 * convert(total, l) + n * total * 0.4;
    }
    [[nodiscard]] double square_unscaled(std::size_t limbs) const {
        return transform() * static_cast<double>(limbs) * 5 + n * static_cast<double>(limbs) * 1.2;
    }
    [[nodiscard]] double relinearize(std::size_t limbs) const {
        const double digits = std::ceil(static_cast<double>(limbs) / static_cast<double>(digit_limbs));
        const double total = static_cast<double>(limbs) + special;
        return transform() * total * (digits + 2) +
               digits * convert(static_cast<double>(digit_limbs), total) + n * total * digits * 2 * 0.1 +
               2 * convert(special, static_cast<double>(limbs));
    }
    [[nodiscard]] double linear(double terms, std::size_t size, std::size_t limbs) const {
        return terms * static_cast<double>(size * limbs) * n * 0.045;
    }
    [[nodiscard]] double mod_switch(std::size_t size, std::size_t limbs) const {
        return static_cast<double>(size) * n * static_cast<double>(limbs) * 0.4;
    }

    double n;
    double special;
    std::size_t digit_limbs;
    std::vector<double> log_data;
};

/// Walks the stages, appending steps. Copied at every choice, so that choices can be tried.
class Walk {
  public:
    Walk(const std::vector<Stage>& stages, const CircuitSetting& setting, const NoiseModel& noise,
         const CostModel& cost, bool unscaled)
        : unscaled_next_(unscaled),
          stages_(&stages),
          setting_(&setting),
          noise_(&noise),
          cost_(&cost),
          estimate_(setting.public_encryption ? noise.fresh_public() : noise.fresh_symmetric()) {}

    /// Runs to the end. Levels: with `drop`, as low as the rest allows; without, never below the top.
    [[nodiscard]] bool finish(bool drop) {
        for (; next_ < stages_->size(); ++next_) {
            const Stage& stage = (*stages_)[next_];
            if (drop) {
                drop_limbs();
            }
            if (stage.linear ? !linear(stage) : !activation(stage)) {
                return false;
            }
        }
        return reply();
    }

    Circuit circuit;

  private:
    [[nodiscard]] std::size_t elements() const {
        return circuit.steps.empty() ? 0 : circuit.steps.back().elements;
    }
    /// Of a constant's plaintext: one in the slots, its digits in radix.
    [[nodiscard]] std::size_t constant_coefficients() const {
        return setting_->packing == Packing::slots ? 1 : 0;
    }
    [[nodiscard]] bool alive() const { return noise_->budget(estimate_) > 0; }

    void record(PlanStep::Kind kind, const Stage* stage, std::size_t count, double cost, std::string reason) {
        PlanStep step;
        step.kind = kind;
        step.layer = stage == nullptr ? 0 : stage->layer;
        step.elements = count;
        step.limbs = estimate_.limbs;
        step.size = estimate_.size;
        step.budget_bits = noise_->budget(estimate_);
        step.noise_bits = noise_->log_bound(estimate_);
        step.cost = cost;
        step.reason = std::move(reason);
        circuit.steps.push_back(std::move(step));
    }

    void relinearize(std::size_t count, std::string reason) {
        estimate_ = noise_->relinearize(estimate_);
        circuit.relinearizes = true;
        record(PlanStep::Kind::relinearize, nullptr, count,
               static_cast<double>(count) * cost_->relinearize(estimate_.limbs), std::move(reason));
    }

    void mod_switch(std::size_t limbs, std::string reason) {
        const double cost =
            static_cast<double>(elements()) * cost_->mod_switch(estimate_.size, estimate_.limbs);
        estimate_ = noise_->mod_switch_to(estimate_, limbs);
        record(PlanStep::Kind::mod_switch, nullptr, elements(), cost, std::move(reason));
    }

    /// The lowest level from which the rest, without further drops, still decrypts. Fresh inputs stay where
    /// they are: the client would send less if the top level were lower.
    void drop_limbs() {
        if (circuit.steps.empty() || unscaled_next_) {
            return;
        }
        for (std::size_t limbs = 1; limbs < estimate_.limbs; ++limbs) {
            Walk trial = *this;
            trial.drop_to(limbs);
            Walk rest = trial;
            if (trial.alive() && rest.finish(false)) {
                *this = std::move(trial);
                return;
            }
        }
    }

    void drop_to(std::size_t limbs) {
        PlanStep& last = circuit.steps.back();
        if (last.kind == PlanStep::Kind::activation && last_is_product_) {
            // The first prime to go is divided out in the product's own rounding, which its coefficient then
            // multiplies: w (e / (w q) + rounding).
            estimate_ = noise_->scale(
                noise_->mod_switch_to(noise_->scale(estimate_, 1 / last_rounding_), estimate_.limbs - 1),
                last_rounding_);
            last.limbs = estimate_.limbs;
            last.budget_bits = noise_->budget(estimate_);
            last.noise_bits = noise_->log_bound(estimate_);
            last.reason +=
                (last.unscaled ? "; drops a prime" : "drops a prime in the product's own rounding") +
                std::string(": the noise leaves room");
        }
        if (limbs < estimate_.limbs) {
            mod_switch(limbs, "the noise leaves room: fewer limbs are less work from here on");
        }
    }

    [[nodiscard]] bool linear(const Stage& stage) {
        const bool fresh = circuit.steps.empty();
        estimate_ =
            noise_->add_plain(noise_->linear(estimate_, {stage.norm_1, stage.norm_2, stage.norm_products,
                                                         std::min(stage.norm_1, stage.norm_squares)}),
                              constant_coefficients());
        record(PlanStep::Kind::linear, &stage, stage.elements,
               cost_->linear(stage.terms, estimate_.size, estimate_.limbs),
               fresh ? "fresh noise is independent: it grows with the root of the sum of squares" : "");
        if (!alive()) {
            return false;
        }
        if (estimate_.size == 3) {
            relinearize(stage.elements, "after the sum: fewer ciphertexts to relinearise than before it");
        }
        return alive();
    }

    [[nodiscard]] bool activation(const Stage& stage) {
        if (estimate_.size == 3) {
            relinearize(elements(), "a product needs size 2");
        }
        const std::size_t degree = stage.powers.size() - 1;
        std::vector<std::optional<NoiseEstimate>> powers(degree + 1);
        powers[1] = estimate_;
        double cost = 0;
        const auto build = [&](const auto& self, std::size_t i) -> void {
            if (powers[i]) {
                return;
            }
            self(self, i / 2);
            self(self, i - i / 2);
            for (const std::size_t factor : {i / 2, i - i / 2}) {
                if (powers[factor]->size == 3) {
                    powers[factor] = noise_->relinearize(*powers[factor]);
                    circuit.relinearizes = true;
                    cost += cost_->relinearize(estimate_.limbs);
                }
            }
            powers[i] = noise_->multiply(*powers[i / 2], *powers[i - i / 2]);
            cost += cost_->multiply(estimate_.limbs, i % 2 == 0);
        };
        std::optional<NoiseEstimate> sum;
        const bool unscaled = std::exchange(unscaled_next_, false);
        if (unscaled) {
            sum = noise_->square_unscaled(estimate_);
            cost = cost_->square_unscaled(estimate_.limbs);
        }
        for (std::size_t i = degree; i >= 1 && !unscaled; --i) {
            if (stage.powers[i] == 0) {
                continue;
            }
            build(build, i);
            const NoiseEstimate term = noise_->scale(*powers[i], stage.powers[i]);
            sum = sum ? noise_->add(*sum, term) : term;
        }
        estimate_ = noise_->add_plain(sum.value_or(estimate_), constant_coefficients());
        last_is_product_ = degree >= 2 && stage.powers[degree] != 0;
        const bool has_lower = std::any_of(stage.powers.begin() + 1, stage.powers.end() - 1,
                                           [](double weight) { return weight != 0; });
        last_rounding_ = stage.powers[degree] + (has_lower ? 1 : 0);
        record(PlanStep::Kind::activation, &stage, stage.elements, static_cast<double>(stage.elements) * cost,
               unscaled ? "unscaled: next to fresh noise the square of the noise is small" : "");
        circuit.steps.back().unscaled = unscaled;
        if (!alive()) {
            return false;
        }
        // Before the next sum or after it? After needs a third part in the sum.
        if (estimate_.size == 3) {
            const Stage* next = next_ + 1 < stages_->size() ? &(*stages_)[next_ + 1] : nullptr;
            const double one = cost_->relinearize(estimate_.limbs);
            const bool later =
                next != nullptr && next->linear &&
                static_cast<double>(next->elements) * one + cost_->linear(next->terms, 1, estimate_.limbs) <
                    static_cast<double>(stage.elements) * one;
            if (!later) {
                relinearize(stage.elements, "before what follows: it needs or is cheaper with size 2");
            }
        }
        return alive();
    }

    [[nodiscard]] bool reply() {
        if (estimate_.size == 3) {
            relinearize(elements(), "a reply has size 2");
        }
        if (setting_->packing == Packing::radix && elements() > 1) {
            estimate_ = noise_->linear(estimate_, static_cast<double>(elements()));
            record(PlanStep::Kind::join, nullptr, 1,
                   cost_->linear(static_cast<double>(elements()), 2, estimate_.limbs),
                   "the logits' digits side by side: one ciphertext to send");
        }
        if (setting_->privacy_bits > 0) {
            // The encryption of zero hides the parts, the flood what is left of both in the noise. Uniform
            // noise in [-B, B) hides noise bounded by E in one coefficient up to E / (2B) of statistical
            // distance. All coefficients of all ciphertexts of the reply, for all plaintext moduli, may not
            // exceed half of 2^-privacy_bits together, so that any two circuits are that close.
            NoiseEstimate zero = noise_->fresh_public();
            zero.limbs = estimate_.limbs;
            estimate_ = noise_->add(estimate_, zero);
            const double coefficients = std::log2(static_cast<double>(setting_->parameters.n)) +
                                        std::log2(static_cast<double>(elements() * setting_->moduli));
            const int flood_bits = static_cast<int>(
                std::ceil(noise_->log_bound(estimate_) + setting_->privacy_bits + coefficients));
            if (flood_bits > max_flood_bits) {
                return false;
            }
            estimate_ = noise_->add_certain(estimate_, flood_bits);
            record(PlanStep::Kind::flood, nullptr, elements(),
                   static_cast<double>(elements()) * cost_->multiply(estimate_.limbs, true),
                   "hides everything but the answer: a fresh encryption of zero and uniform noise");
            circuit.steps.back().flood_bits = flood_bits;
        }
        if (!alive()) {
            return false;
        }
        circuit.output_budget_bits = noise_->budget(estimate_);
        for (std::size_t limbs = 1; limbs < estimate_.limbs; ++limbs) {
            if (noise_->budget(noise_->mod_switch_to(estimate_, limbs)) > 0) {
                mod_switch(limbs, "the reply travels at the lowest level that decrypts");
                break;
            }
        }
        circuit.reply_limbs = estimate_.limbs;
        circuit.reply_budget_bits = noise_->budget(estimate_);
        circuit.log_rounding_bound = noise_->log_rounding_bound();
        return true;
    }

    bool unscaled_next_;  // the next activation is to be an unscaled square
    const std::vector<Stage>* stages_;
    const CircuitSetting* setting_;
    const NoiseModel* noise_;
    const CostModel* cost_;
    NoiseEstimate estimate_;
    std::size_t next_ = 0;
    bool last_is_product_ = false;  // the last activation ended in a product, which can drop a prime
    double last_rounding_ = 1;      // roundings that this puts into its result: of the product, times its
                                    // coefficient, and of the sum of the lower terms
};

/// Whether the first activation can be an unscaled square: it squares fresh symmetric encryptions or scalar
/// sums of such, and no later one adds up values that carry different factors.
bool unscaled_squares_fit(const std::vector<Stage>& stages, const CircuitSetting& setting) {
    const auto is_power = [](const Stage& stage) {
        return stage.linear ||
               (stage.powers.back() != 0 && std::all_of(stage.powers.begin() + 1, stage.powers.end() - 1,
                                                        [](double weight) { return weight == 0; }));
    };
    const auto first = std::find_if(stages.begin(), stages.end(), [](const Stage& s) { return !s.linear; });
    return setting.packing == Packing::slots && !setting.public_encryption && first != stages.end() &&
           first - stages.begin() <= 1 && first->powers.size() == 3 && first->powers[2] == 1 &&
           std::all_of(first, stages.end(), is_power);
}

/// The weight of an integer in noise: its centred residue in the slots, its signed digits in radix.
double encoded_weight(const mpz_class& value, Packing packing, const std::vector<std::uint64_t>& moduli) {
    if (packing == Packing::radix) {
        return static_cast<double>(naf(value).size());
    }
    double largest = 0;
    for (const std::uint64_t t : moduli) {
        if (const mpz_class magnitude = abs(value); magnitude <= to_mpz(t / 2)) {
            largest = std::max(largest, magnitude.get_d());
            continue;
        }
        mpz_class r;
        mpz_fdiv_r(r.get_mpz_t(), value.get_mpz_t(), to_mpz(t).get_mpz_t());
        largest = std::max(largest, std::min(r, mpz_class(to_mpz(t) - r)).get_d());
    }
    return largest;
}

/// The same for a weight of a linear layer, of which there may be millions.
double encoded_weight(std::int64_t value, Packing packing, const std::vector<std::uint64_t>& moduli) {
    const auto magnitude = static_cast<std::uint64_t>(std::abs(value));
    const std::uint64_t smallest = *std::min_element(moduli.begin(), moduli.end());
    return packing == Packing::slots && magnitude <= smallest / 2
               ? static_cast<double>(magnitude)
               : encoded_weight(mpz_class(static_cast<long>(value)), packing, moduli);
}

/// The largest |weight|.
std::uint64_t largest_magnitude(const WeightMatrix& weights) {
    std::uint64_t largest = 0;
    for (const std::vector<WeightTerm>& row : weights.rows) {
        for (const WeightTerm& term : row) {
            largest = std::max(largest, static_cast<std::uint64_t>(std::abs(term.weight)));
        }
    }
    return largest;
}

/// Stage::norm_squares of `sums` of squares of `rows`: |sum_i a_i w_i w_i^T|^2 = sum_ij a_i a_j <w_i, w_j>^2.
/// Infinite where computing it would take long.
double norm_of_squares(const WeightMatrix& rows, const WeightMatrix& sums) {
    constexpr double most_work = 3e8;              // multiplications: a fraction of a second
    std::vector<std::vector<WeightTerm>> columns;  // as rows, with the row's number in place of the column's
    double work = 0;
    for (std::uint32_t i = 0; i < rows.rows.size(); ++i) {
        for (const WeightTerm& term : rows.rows[i]) {
            columns.resize(std::max<std::size_t>(columns.size(), term.column + 1));
            columns[term.column].push_back({i, term.weight});
        }
    }
    for (const std::vector<WeightTerm>& column : columns) {
        work += std::pow(static_cast<double>(column.size()), 2);
    }
    if (work > most_work) {
        return std::numeric_limits<double>::infinity();
    }
    struct Entry {
        std::uint32_t row;
        double value;
    };
    std::vector<std::vector<Entry>> gram(rows.rows.size());  // squared products of rows, where they are not 0
    std::vector<double> products(rows.rows.size());
    double longest = 0;
    for (std::size_t i = 0; i < gram.size(); ++i) {
        for (const WeightTerm& a : rows.rows[i]) {
            for (const WeightTerm& b : columns[a.column]) {
                if (products[b.column] == 0) {
                    gram[i].push_back({b.column, 0});
                }
                products[b.column] += static_cast<double>(a.weight) * static_cast<double>(b.weight);
            }
        }
        for (Entry& entry : gram[i]) {  // a sum that passed through 0 is there twice
            entry.value = products[entry.row] * products[entry.row];
            products[entry.row] = 0;
        }
        for (const Entry& entry : gram[i]) {
            longest = entry.row == i ? std::max(longest, std::sqrt(entry.value)) : longest;
        }
    }
    double largest = 0;
    std::vector<double> weights(gram.size());
    for (const std::vector<WeightTerm>& sum : sums.rows) {
        for (const WeightTerm& term : sum) {
            weights[term.column] = static_cast<double>(term.weight);
            work += static_cast<double>(gram[term.column].size());
        }
        if (work > most_work) {
            return std::numeric_limits<double>::infinity();
        }
        double square = 0;
        for (const WeightTerm& term : sum) {
            for (const Entry& entry : gram[term.column]) {
                square += weights[term.column] * weights[entry.row] * entry.value;
            }
        }
        largest = std::max(largest, square);
        for (const WeightTerm& term : sum) {
            weights[term.column] = 0;
        }
    }
    return longest == 0 ? 0 : std::sqrt(largest) / longest;
}

/// Whether some weight is not its own centred residue modulo every one of the moduli.
bool wraps(const WeightMatrix& weights, const std::vector<std::uint64_t>& moduli) {
    return largest_magnitude(weights) > *std::min_element(moduli.begin(), moduli.end()) / 2;
}

/// Divides a row by the greatest common divisor of its weights and makes the first one positive: proportional
/// rows become equal.
std::vector<WeightTerm> normalised(std::vector<WeightTerm> row) {
    std::int64_t divisor = 0;
    for (const WeightTerm& term : row) {
        divisor = std::gcd(divisor, term.weight);
    }
    if (!row.empty() && row.front().weight < 0) {
        divisor = -divisor;
    }
    for (WeightTerm& term : row) {
        term.weight /= divisor;
    }
    return row;
}

/// Groups the rows of a linear layer so that rows of different groups give independent ciphertexts: two rows
/// that are not proportional do, as functions of independent uniform inputs. group_of: the groups of the
/// layer's own inputs; only inputs that are alone in theirs count.
std::vector<std::size_t> row_groups(const WeightMatrix& weights, const std::vector<std::size_t>& group_of) {
    std::map<std::size_t, std::size_t> members;
    for (const std::size_t group : group_of) {
        ++members[group];
    }
    std::map<std::vector<std::pair<std::uint32_t, std::int64_t>>, std::size_t> groups;
    std::vector<std::size_t> result;
    for (const std::vector<WeightTerm>& row : weights.rows) {
        std::vector<WeightTerm> alone;
        std::copy_if(row.begin(), row.end(), std::back_inserter(alone),
                     [&](const WeightTerm& term) { return members[group_of[term.column]] == 1; });
        std::vector<std::pair<std::uint32_t, std::int64_t>> key;
        for (const WeightTerm& term : normalised(std::move(alone))) {
            key.emplace_back(term.column, term.weight);
        }
        result.push_back(groups.emplace(std::move(key), groups.size()).first->second);
    }
    return result;
}

}  // namespace

double nominal_transform_nanoseconds(std::size_t n) {
    return static_cast<double>(n) * std::log2(static_cast<double>(n)) / 2 * 0.085;
}

double Circuit::cost() const {
    return std::accumulate(steps.begin(), steps.end(), 0.0,
                           [](double sum, const PlanStep& step) { return sum + step.cost; });
}

mpz_class largest_weight(const Model& model) {
    mpz_class largest = 0;
    for (const Layer& layer : model.layers) {
        if (const auto* activation = std::get_if<Activation>(&layer.kind)) {
            for (const mpz_class& c : activation->coefficients) {
                largest = std::max(largest, mpz_class(abs(c)));
            }
        }
        if (const auto* convolution = std::get_if<Convolution>(&layer.kind)) {
            largest = std::max(largest, to_mpz(largest_magnitude(convolution->weights)));
        }
        if (const auto* dense = std::get_if<Dense>(&layer.kind)) {
            largest = std::max(largest, to_mpz(largest_magnitude(dense->weights)));
        }
    }
    return largest;
}

std::vector<Stage> stages_of(const Model& model, Packing packing, const std::vector<std::uint64_t>& t) {
    const std::vector<Shape> shapes = model.shapes();
    std::vector<Stage> stages;
    std::vector<std::size_t> groups(
        shapes.front().size());  // of the values, see row_groups; fresh ones are alone
    std::iota(groups.begin(), groups.end(), std::size_t{0});
    std::optional<WeightMatrix> squared_rows;  // of the first layer, until the second linear one: for slots,
                                               // as only they have unscaled squares
    bool independent = true;  // values of different groups are independent: fresh, or products of such
    for (std::size_t i = 0; i < model.layers.size(); ++i) {
        const Layer& layer = model.layers[i];
        Stage stage;
        stage.layer = i;
        stage.elements = shapes[i + 1].size();
        if (std::holds_alternative<Flatten>(layer.kind)) {
            continue;
        }
        if (const auto* activation = std::get_if<Activation>(&layer.kind)) {
            stage.linear = false;
            for (const mpz_class& c : activation->coefficients) {
                stage.powers.push_back(encoded_weight(c, packing, t));
            }
            independent = true;
            stages.push_back(std::move(stage));
            continue;
        }
        const LinearMap map = linear_map(layer, shapes[i]);
        // Rows are compared by their integers; slots use residues, which may agree where the integers do not.
        if (packing == Packing::slots && wraps(map.weights, t)) {
            independent = false;
        }
        std::vector<double> group_sums(shapes[i].size());
        for (const auto& row : map.weights.rows) {
            double squares = 0;
            double sum = 0;
            for (const WeightTerm& term : row) {
                const double weight = encoded_weight(term.weight, packing, t);
                sum += weight;
                // Digits of one weight fall on the same ciphertext; slots' weights are single terms.
                squares += weight * weight;
                group_sums[groups[term.column]] += weight;
                stage.terms += packing == Packing::radix ? weight : 1;
            }
            double group_squares = 0;
            for (const WeightTerm& term : row) {
                double& weight = group_sums[groups[term.column]];
                group_squares += weight * weight;
                weight = 0;  // once for each group, and ready for the next row
            }
            stage.norm_1 = std::max(stage.norm_1, sum);
            stage.norm_2 = std::max(stage.norm_2, std::sqrt(squares));
            stage.norm_products = std::max(stage.norm_products, std::sqrt(group_squares));
        }
        stage.norm_squares = stage.norm_1;
        if (squared_rows && independent) {
            stage.norm_squares = std::min(stage.norm_1, norm_of_squares(*squared_rows, map.weights));
        }
        squared_rows = packing == Packing::slots && stages.empty() && independent ? std::optional(map.weights)
                                                                                  : std::nullopt;
        stage.norm_products = independent ? std::min(stage.norm_1, stage.norm_products) : stage.norm_1;
        // Many sums of few values are pairwise independent still, but their products' noise is too far from
        // Gaussian.
        constexpr std::size_t rows_per_value = 16;
        if (independent && stage.elements <= rows_per_value * shapes[i].size()) {
            groups = row_groups(map.weights, groups);
        } else {
            groups.assign(stage.elements, 0);
        }
        independent = false;  // sums share terms; only a product makes them uncorrelated again
        stages.push_back(std::move(stage));
    }
    return stages;
}

std::optional<Circuit> plan_circuit(const std::vector<Stage>& stages, const CircuitSetting& setting) {
    const std::size_t replies =
        (setting.packing == Packing::radix || stages.empty() ? 1 : stages.back().elements) * setting.moduli;
    const NoiseModel noise(setting.parameters, setting.log_t, replies);
    const CostModel cost(setting.parameters);
    std::optional<Circuit> best;
    for (const bool unscaled : {false, true}) {
        if (unscaled && !unscaled_squares_fit(stages, setting)) {
            continue;
        }
        const Walk start(stages, setting, noise, cost, unscaled);
        for (const bool drop : {false, true}) {
            Walk walk(start);
            if (!walk.finish(drop)) {
                break;  // what fails at the top level fails below
            }
            if (!best || walk.circuit.cost() <= best->cost()) {
                best = std::move(walk.circuit);
            }
        }
    }
    return best;
}

}  // namespace lacuna
