// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/program/stage.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <lacuna/nn/packing/packed_network.h>
#include <lacuna/nn/packing/rules.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/error.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

namespace {

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

/// The columns of a matrix, as rows: with the row's number in place of the column's.
std::vector<std::vector<WeightTerm>> columns_of(const WeightMatrix& matrix) {
    std::vector<std::vector<WeightTerm>> columns;
    for (std::uint32_t i = 0; i < matrix.rows.size(); ++i) {
        for (const WeightTerm& term : matrix.rows[i]) {
            columns.resize(std::max<std::size_t>(columns.size(), term.column + 1));
            columns[term.column].push_back({i, term.weight});
        }
    }
    return columns;
}

/// Sums of squares may take this many multiplications: a fraction of a second.
constexpr double most_work = 3e8;

/// <w_i, w_j>^2 of the rows w of a matrix, where it is not 0.
struct SquaredGram {
    struct Entry {
        std::uint32_t row;
        double value;
    };
    std::vector<std::vector<Entry>> rows;
    double longest = 0;  // |w_i|^2
};

/// Nothing where computing it would take long.
std::optional<SquaredGram> squared_gram(const WeightMatrix& matrix, const std::stop_token& stop) {
    const std::vector<std::vector<WeightTerm>> columns = columns_of(matrix);
    double work = 0;
    for (const std::vector<WeightTerm>& column : columns) {
        work += std::pow(static_cast<double>(column.size()), 2);
    }
    if (work > most_work) {
        return std::nullopt;
    }
    SquaredGram gram;
    gram.rows.resize(matrix.rows.size());
    std::vector<double> products(matrix.rows.size());
    for (std::size_t i = 0; i < gram.rows.size(); ++i) {
        check_stop(stop);
        for (const WeightTerm& a : matrix.rows[i]) {
            for (const WeightTerm& b : columns[a.column]) {
                if (products[b.column] == 0) {
                    gram.rows[i].push_back({b.column, 0});
                }
                products[b.column] += static_cast<double>(a.weight) * static_cast<double>(b.weight);
            }
        }
        for (SquaredGram::Entry& entry : gram.rows[i]) {  // a sum that passed through 0 is there twice
            entry.value = products[entry.row] * products[entry.row];
            products[entry.row] = 0;
        }
        for (const SquaredGram::Entry& entry : gram.rows[i]) {
            gram.longest = entry.row == i ? std::max(gram.longest, std::sqrt(entry.value)) : gram.longest;
        }
    }
    return gram;
}

/// NoiseNorms::squares of `sums` of squares of `rows`: |sum_i a_i w_i w_i^T|^2 = sum_ij a_i a_j <w_i, w_j>^2.
/// Infinite where computing it would take long.
double norm_of_squares(const WeightMatrix& rows, const WeightMatrix& sums, const std::stop_token& stop) {
    const std::optional<SquaredGram> gram = squared_gram(rows, stop);
    if (!gram) {
        return std::numeric_limits<double>::infinity();
    }
    double work = 0;
    double largest = 0;
    std::vector<double> weights(gram->rows.size());
    for (const std::vector<WeightTerm>& sum : sums.rows) {
        check_stop(stop);
        for (const WeightTerm& term : sum) {
            weights[term.column] = static_cast<double>(term.weight);
            work += static_cast<double>(gram->rows[term.column].size());
        }
        if (work > most_work) {
            return std::numeric_limits<double>::infinity();
        }
        double square = 0;
        for (const WeightTerm& term : sum) {
            for (const SquaredGram::Entry& entry : gram->rows[term.column]) {
                square += weights[term.column] * weights[entry.row] * entry.value;
            }
        }
        largest = std::max(largest, square);
        for (const WeightTerm& term : sum) {
            weights[term.column] = 0;
        }
    }
    return gram->longest == 0 ? 0 : std::sqrt(largest) / gram->longest;
}

/// What norm_of_squares() takes for a layer: scalars as they are; of digits x^(kj) the sums of their absolute
/// values, as the embeddings of the one are at most the other (he/fv/noise.md, "Unscaled squares").
WeightMatrix weights_of_squares(const WeightMatrix& weights, const std::vector<std::uint64_t>& /*moduli*/) {
    return weights;
}
WeightMatrix weights_of_squares(WeightMatrix weights, const BinomialRing& ring) {
    for (std::vector<WeightTerm>& row : weights.rows) {
        for (WeightTerm& term : row) {
            term.weight = static_cast<std::int64_t>(BinomialPacking::weight(term.weight, ring));
        }
    }
    return weights;
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
std::vector<std::size_t> row_groups(const WeightMatrix& weights, const std::vector<std::size_t>& group_of,
                                    const std::stop_token& stop) {
    std::map<std::size_t, std::size_t> members;
    for (const std::size_t group : group_of) {
        ++members[group];
    }
    std::map<std::vector<std::pair<std::uint32_t, std::int64_t>>, std::size_t> groups;
    std::vector<std::size_t> result;
    for (const std::vector<WeightTerm>& row : weights.rows) {
        check_stop(stop);
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

/// Follows the values through the layers: which of them are independent of each other.
/// Moduli: what Rules takes weights by.
template <typename Rules, typename Moduli>
class StageMaker {
  public:
    StageMaker(const ExpandedModel& model, const Moduli& t)
        : model_(model), t_(t), groups_(model.shapes().front().size()) {
        std::iota(groups_.begin(), groups_.end(), std::size_t{0});
    }

    /// measured: what measure() found before; null where it has to look.
    void append(std::size_t layer, const Stage* measured = nullptr) {
        Stage stage;
        stage.layer = layer;
        stage.elements = model_.shapes()[layer + 1].size();
        if (const auto* activation = std::get_if<Activation>(&model_.layers()[layer].kind)) {
            stage.linear = false;
            for (const mpz_class& c : activation->coefficients) {
                stage.powers.push_back(Rules::weight(c, t_));
            }
            stage.constant_coefficients = Rules::coefficients(activation->coefficients.front(), t_, true);
            independent_ = true;
        } else {
            if (measured == nullptr) {
                linear(stage, model_.map(layer).weights);
            } else {
                stage.terms = measured->terms;
                stage.norms = measured->norms;
            }
            for (const mpz_class& bias : model_.map(layer).bias) {
                stage.constant_coefficients =
                    std::max(stage.constant_coefficients, Rules::coefficients(bias, t_, !stages.empty()));
            }
        }
        stages.push_back(std::move(stage));
    }

    std::vector<Stage> stages;

  private:
    void linear(Stage& stage, const WeightMatrix& weights) {
        // Rows are compared by their integers; residues may agree where the integers do not.
        independent_ = independent_ && Rules::keeps_integers(largest_magnitude(weights), t_);
        measure(stage, weights);
        NoiseNorms& norms = stage.norms;
        norms.squares = norms.sum;
        if (!squared_rows_.rows.empty() && independent_) {
            norms.squares = std::min(
                norms.sum, norm_of_squares(squared_rows_, weights_of_squares(weights, t_), model_.stop()));
        }
        squared_rows_ = {};
        if (Rules::squares_unscaled && stages.empty() && independent_) {
            squared_rows_ = weights_of_squares(weights, t_);
        }
        norms.products = independent_ ? std::min(norms.sum, norms.products) : norms.sum;
        // Many sums of few values are pairwise independent still, but their products' noise is too far from
        // Gaussian.
        constexpr std::size_t rows_per_value = 16;
        std::set<std::uint32_t> used;
        for (const auto& row : weights.rows) {
            for (const WeightTerm& term : row) {
                used.insert(term.column);
            }
        }
        if (independent_ && stage.elements <= rows_per_value * used.size()) {
            groups_ = row_groups(weights, groups_, model_.stop());
        } else {
            groups_.assign(stage.elements, 0);
        }
        independent_ = false;  // sums share terms; only a product makes them uncorrelated again
    }

    /// Terms, and norms but for squares; `products` as if all were independent.
    void measure(Stage& stage, const WeightMatrix& weights) const {
        std::vector<double> group_sums(weights.columns);
        for (const auto& row : weights.rows) {
            model_.check_stop();
            double squares = 0;
            double sum = 0;
            for (const WeightTerm& term : row) {
                const double weight = Rules::weight(term.weight, t_);
                sum += weight;
                // Digits of one weight fall on the same ciphertext; slots' weights are single terms.
                squares += weight * weight;
                group_sums[groups_[term.column]] += weight;
                stage.terms += Rules::terms(term.weight, t_);
            }
            double group_squares = 0;
            for (const WeightTerm& term : row) {
                double& weight = group_sums[groups_[term.column]];
                group_squares += weight * weight;
                weight = 0;  // once for each group, and ready for the next row
            }
            stage.norms.sum = std::max(stage.norms.sum, sum);
            stage.norms.independent = std::max(stage.norms.independent, std::sqrt(squares));
            stage.norms.products = std::max(stage.norms.products, std::sqrt(group_squares));
        }
    }

    const ExpandedModel& model_;
    const Moduli& t_;
    std::vector<std::size_t> groups_;  // of the values, see row_groups; fresh ones are alone
    WeightMatrix squared_rows_;        // of the first layer, until the second linear one; else empty
    bool independent_ = true;          // values of different groups are: fresh, or products of such
};

/// A stage of the packed packing, but for the account of its diagonals. elements: ciphertexts.
Stage packed_stage(const Layer& layer, std::size_t index, std::size_t elements, std::size_t n,
                   const PlainModulus& t) {
    Stage stage;
    stage.layer = index;
    stage.elements = elements;
    stage.constant_coefficients = n;
    if (const auto* activation = std::get_if<Activation>(&layer.kind)) {
        stage.linear = false;
        for (const mpz_class& c : activation->coefficients) {
            stage.powers.push_back(PackedPacking::weight(c, t, n));
        }
    }
    return stage;
}

}  // namespace

std::vector<bool> Stage::needed() const {
    std::vector<bool> result;
    for (const double weight : powers) {
        result.push_back(weight != 0);
    }
    return result;
}

bool Stage::has_lower_powers() const {
    return std::any_of(powers.begin() + 1, powers.end() - 1, [](double weight) { return weight != 0; });
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

namespace {

/// The stages of layers with one element a ciphertext. measured: of every layer that is no flatten; or empty.
template <typename Rules, typename Moduli>
std::vector<Stage> elementwise_stages(const ExpandedModel& model, const Moduli& t,
                                      std::span<const Stage> measured) {
    StageMaker<Rules, Moduli> maker(model, t);
    for (std::size_t layer = 0; layer < model.layers().size(); ++layer) {
        if (!std::holds_alternative<Flatten>(model.layers()[layer].kind)) {
            maker.append(layer, measured.empty() ? nullptr : &measured[maker.stages.size()]);
        }
    }
    return std::move(maker.stages);
}

std::vector<Stage> integer_stages(const ExpandedModel& model, Packing packing,
                                  const std::vector<std::uint64_t>& t, std::span<const Stage> measured) {
    return std::visit(
        [&]<typename Rules>(const Rules&) { return elementwise_stages<Rules>(model, t, measured); },
        integer_rules_of(packing));
}

}  // namespace

std::vector<Stage> stages_of(const ExpandedModel& model, Packing packing,
                             const std::vector<std::uint64_t>& t) {
    return integer_stages(model, packing, t, {});
}

std::vector<Stage> binomial_stages_of(const ExpandedModel& model, const PlainModulus& t, std::size_t n) {
    return elementwise_stages<BinomialPacking>(model, BinomialRing{t, n}, {});
}

std::vector<Stage> packed_stages_of(const ExpandedModel& model, const PackedNetwork& network, std::size_t n,
                                    const PlainModulus& t) {
    std::vector<Stage> stages;
    auto linear = network.layers().begin();
    for (std::size_t l = 0; l < model.layers().size(); ++l) {
        const Layer& layer = model.layers()[l];
        if (std::holds_alternative<Flatten>(layer.kind)) {
            continue;
        }
        Stage& stage = stages.emplace_back(packed_stage(layer, l, network.ciphertexts(l + 1), n, t));
        if (!stage.linear) {
            continue;
        }
        stage.diagonals = linear->account;
        if (stage.diagonals->norms.any == 0) {
            stage.diagonals->norms = usual_diagonal_norms(t, n, linear->schedule);
        }
        ++linear;
    }
    return stages;
}

std::vector<Stage> stages_again(const ExpandedModel& model, Packing packing, std::size_t n,
                                const std::vector<PlainModulus>& t, std::span<const Stage> measured,
                                std::size_t input_ciphertexts) {
    std::vector<std::size_t> layers;
    for (std::size_t l = 0; l < model.layers().size(); ++l) {
        if (!std::holds_alternative<Flatten>(model.layers()[l].kind)) {
            layers.push_back(l);
        }
    }
    bool fits = layers.size() == measured.size();
    for (std::size_t s = 0; fits && s < layers.size(); ++s) {
        const bool linear = is_linear(model.layers()[layers[s]]);
        fits = measured[s].layer == layers[s] && measured[s].linear == linear &&
               measured[s].diagonals.has_value() == (linear && packing == Packing::packed);
    }
    if (!fits) {
        throw Error("expected the measures of " + std::to_string(layers.size()) +
                    " layers of the model, found others; plan this model");
    }
    if (packing == Packing::packed) {
        std::vector<Stage> stages;
        std::size_t elements = input_ciphertexts;
        for (std::size_t s = 0; s < layers.size(); ++s) {
            const std::optional<DiagonalAccount>& account = measured[s].diagonals;
            elements = account ? account->outputs : elements;
            stages.push_back(packed_stage(model.layers()[layers[s]], layers[s], elements, n, t.front()));
            stages.back().diagonals = account;
        }
        return stages;
    }
    if (!t.front().is_integer()) {
        return elementwise_stages<BinomialPacking>(model, BinomialRing{t.front(), n}, measured);
    }
    std::vector<std::uint64_t> integers;
    for (const PlainModulus& modulus : t) {
        integers.push_back(modulus.value());
    }
    return integer_stages(model, packing, integers, measured);
}

}  // namespace lacuna
