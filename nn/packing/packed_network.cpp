// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/packing/packed_network.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include <lacuna/he/fv/noise.h>
#include <lacuna/he/fv/rotation.h>
#include <lacuna/nn/model/expanded_model.h>
#include <lacuna/nn/packing/packed.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

// What a layer costs, in passes over a row of n words, at two limbs and one special prime, where a transform
// is six of them: good enough to choose between ways of laying out one layer.
constexpr double product_cost = 6;
constexpr double baby_cost = 24;
constexpr double giant_cost = 3.6 * baby_cost;
constexpr double fold_cost = 100;
constexpr double mask_cost = 100;    // of parts that the client adds up
constexpr double key_cost = 80;      // what a rotation of its own key is to be spared for
constexpr double output_cost = 600;  // its last division, and what the next layer does to it

constexpr std::size_t most_ciphertexts = max_packed_ciphertexts;
/// Of a layer: a gigabyte of prepared ones in a ring of 8192 coefficients, and half a second.
constexpr std::size_t most_diagonals = 4096;

/// Window and stride of a convolution or pool.
struct Windows {
    Extent kernel;
    Extent stride;
    Extent padding;
};

std::optional<Windows> windows_of(const Layer& layer) {
    if (const auto* convolution = std::get_if<Convolution>(&layer.kind)) {
        return Windows{convolution->kernel, convolution->stride, convolution->padding};
    }
    if (const auto* pool = std::get_if<SumPool>(&layer.kind)) {
        return Windows{pool->window, pool->stride, pool->padding};
    }
    return std::nullopt;
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/// A tensor on its way through the network.
struct Tensor {
    Shape shape;
    std::vector<Place> places;
    std::size_t ciphertexts = 1;
    std::optional<PackedArrangement> arrangement;  // where convolutions can go on from it
    Repeats copies;                                // of every element, in its row
};

Tensor arranged(const Shape& shape, const PackedArrangement& arrangement) {
    return {shape, arrangement.places(shape), arrangement.ciphertexts(shape), arrangement, {}};
}

/// The input of a convolution or pool that comes first; nothing where a block is longer than a row.
std::optional<PackedArrangement> phases_for(const Windows& windows, const Shape& in, const Shape& out,
                                            std::size_t slots) {
    PackedArrangement result;
    result.phases = windows.stride;
    result.origin = windows.padding;
    const auto steps = [](std::size_t size, std::size_t origin, std::size_t stride, std::size_t windows_out) {
        return std::max((size - 1 + origin) / stride + 1, windows_out);
    };
    result.row_step = steps(in.width, windows.padding.horizontal, windows.stride.horizontal, out.width);
    result.block_step =
        result.row_step * steps(in.height, windows.padding.vertical, windows.stride.vertical, out.height);
    result.blocks = slots / result.block_step;
    if (result.blocks == 0) {
        return std::nullopt;
    }
    const std::size_t total = result.blocks_of(in);
    const std::size_t period = std::max(total, out.channels);
    if (period + total <= result.blocks) {
        result.copies = 2;
        result.copy_step = period * result.block_step;
    }
    return result;
}

/// Elements one after the other, a channel a block where one fits.
PackedArrangement rows_of(const Shape& shape, std::size_t slots) {
    PackedArrangement result;
    result.row_step = shape.width;
    result.block_step = shape.height * shape.width;
    result.blocks = std::max<std::size_t>(1, slots / result.block_step);
    return result;
}

/// One way to run a linear layer.
struct Way {
    PackedWay way;
    std::vector<Place> outputs;
    std::size_t ciphertexts = 1;
    std::optional<PackedArrangement> arrangement;
    std::vector<Diagonal> diagonals;
    RotationSchedule schedule;
    std::vector<std::vector<int>> folds;
    Repeats copies;  // of the outputs
    Repeats parts;   // of every output, left to the client

    [[nodiscard]] double cost() const {
        double sum = product_cost * static_cast<double>(diagonals.size()) +
                     baby_cost * static_cast<double>(schedule.babies) +
                     giant_cost * static_cast<double>(schedule.giants) +
                     output_cost * static_cast<double>(ciphertexts) + (parts.count > 1 ? mask_cost : 0);
        for (const auto& fold : folds) {
            sum +=
                static_cast<double>(ciphertexts) * (fold_cost + baby_cost * static_cast<double>(fold.size()));
        }
        return sum;
    }
};

/// How a way is made: with the schedule's width, where one was `known` before, and until `stop`.
struct Making {
    const PackedWay* known = nullptr;
    std::stop_token stop{};
};

/// Gathers weights into diagonals.
class DiagonalMaker {
  public:
    class TooMany : public Error {
      public:
        TooMany() : Error("a layer needs more than " + std::to_string(most_diagonals) + " diagonals") {}
    };

    DiagonalMaker(std::size_t slots, const Making& making)
        : slots_(static_cast<std::int64_t>(slots)), making_(making) {}

    /// Slot `to` of an output takes weight times slot `from` of an input; slots may be off by multiples of
    /// the number of slots.
    void add(std::size_t output, std::int64_t to, std::size_t input, std::int64_t from, std::int64_t weight) {
        const std::int64_t steps = modulo(from - to);
        auto& [natural, values] = diagonals_[{output, input, steps}];
        if (diagonals_.size() > most_diagonals) {
            throw TooMany();
        }
        natural = static_cast<int>(from - to);
        values.resize(static_cast<std::size_t>(slots_));
        values[static_cast<std::size_t>(modulo(to))] += weight;
    }

    void finish(Way& way) {
        std::vector<RotatedInput> rotations;
        for (auto& [key, diagonal] : diagonals_) {
            const auto& [output, input, steps] = key;
            rotations.push_back({output, input, diagonal.first});
            way.diagonals.push_back({rotations.back(), std::move(diagonal.second)});
        }
        const auto slots = static_cast<std::size_t>(slots_);
        const PackedWay* const known = making_.known;
        way.schedule = known != nullptr ? schedule_at(rotations, slots, known->width, known->chained)
                                        : schedule_chained(rotations, slots, making_.stop);
        check_stop(making_.stop);
        way.way.width = way.schedule.width;
        way.way.chained = way.schedule.chained;
    }

  private:
    [[nodiscard]] std::int64_t modulo(std::int64_t slot) const { return (slot % slots_ + slots_) % slots_; }

    std::int64_t slots_;
    const Making& making_;
    std::map<std::tuple<std::size_t, std::size_t, std::int64_t>, std::pair<int, std::vector<std::int64_t>>>
        diagonals_;
};

/// Output o at a place of its own, no fold.
Way direct_way(const WeightMatrix& weights, const Tensor& in, std::size_t slots, std::vector<Place> outputs,
               const Making& making) {
    Way way;
    DiagonalMaker maker(slots, making);
    for (std::size_t r = 0; r < weights.rows.size(); ++r) {
        check_stop(making.stop);
        const Place& to = outputs[r];
        way.ciphertexts = std::max(way.ciphertexts, to.ciphertext + 1);
        for (const WeightTerm& term : weights.rows[r]) {
            const Place& from = in.places[term.column];
            std::size_t slot = from.position;
            if (in.arrangement && in.arrangement->copies > 1 &&
                slot / in.arrangement->block_step < to.position / in.arrangement->block_step) {
                slot += in.arrangement->copy_step;
            }
            maker.add(to.ciphertext, static_cast<std::int64_t>(to.position), from.ciphertext,
                      static_cast<std::int64_t>(slot), term.weight);
        }
    }
    way.outputs = std::move(outputs);
    maker.finish(way);
    return way;
}

/// The sum over `count` blocks `step` slots apart, as few and short sums of rotations as it takes.
void best_fold(std::size_t count, std::size_t step, std::vector<std::vector<int>>& folds, double& cost) {
    cost = 0;
    if (count == 1) {
        return;
    }
    cost = std::numeric_limits<double>::infinity();
    for (std::size_t first = 2; first <= count; ++first) {
        if (count % first != 0) {
            continue;
        }
        std::vector<std::vector<int>> rest;
        double rest_cost = 0;
        best_fold(count / first, step * first, rest, rest_cost);
        const double sum = fold_cost + (baby_cost + key_cost) * static_cast<double>(first - 1) + rest_cost;
        if (sum < cost) {
            cost = sum;
            folds.assign(1, {});
            for (std::size_t i = 1; i < first; ++i) {
                folds.front().push_back(static_cast<int>(i * step));
            }
            folds.insert(folds.end(), rest.begin(), rest.end());
        }
    }
}

/// Row r is summed in parts, at all slots r + j period, so that `period` diagonals suffice however many
/// inputs there are; the parts are added up by rotations (Juvekar, Vaikuntanathan, Chandrakasan, GAZELLE,
/// USENIX Security 2018, section 4: hybrid). Where the period divides the number of slots the sum is in every
/// part at the end; else other slots than the first part's hold sums of some, which Fold::clean rules out.
enum class Fold {
    any,
    clean,
    left,  ///< to the client
};
std::optional<Way> folded_way(const WeightMatrix& weights, const Tensor& in, std::size_t slots,
                              std::size_t period, Fold fold, const Making& making) {
    const bool cyclic = slots % period == 0;
    const bool clean = fold == Fold::clean;
    if (weights.rows.size() > period || period > slots || (clean && !cyclic)) {
        return std::nullopt;
    }
    const auto d = static_cast<std::int64_t>(period);
    DiagonalMaker maker(slots, making);
    std::int64_t first = std::numeric_limits<std::int64_t>::max();
    std::int64_t last = std::numeric_limits<std::int64_t>::min();
    for (std::size_t r = 0; r < weights.rows.size(); ++r) {
        check_stop(making.stop);
        for (const WeightTerm& term : weights.rows[r]) {
            const Place& from = in.places[term.column];
            const auto row = static_cast<std::int64_t>(r);
            const auto source = static_cast<std::int64_t>(from.position);
            const std::int64_t part = floor_divide(source - row, d);
            first = std::min(first, part);
            last = std::max(last, part);
            maker.add(0, row + part * d, from.ciphertext, source, term.weight);
        }
    }
    if (first > last) {
        first = last = 0;
    }
    const auto parts = static_cast<std::size_t>(last - first + 1);
    const std::size_t most = slots / period;
    if (!cyclic && parts > most) {
        return std::nullopt;
    }
    Way way;
    double best = std::numeric_limits<double>::infinity();
    // A few parts more, which are 0, may make a better number.
    const std::size_t least = cyclic && (clean || parts > most) ? most : parts;
    if (fold == Fold::left) {
        way.parts = {least, period};
    }
    for (std::size_t count = least; fold != Fold::left && count <= std::min(most, least + 8); ++count) {
        std::vector<std::vector<int>> folds;
        double cost = 0;
        best_fold(count, period, folds, cost);
        if (cost < best) {
            best = cost;
            way.folds = std::move(folds);
            way.copies = cyclic && count == most ? Repeats{most, period} : Repeats{};
        }
    }
    const auto k = static_cast<std::int64_t>(slots);
    for (std::size_t r = 0; r < weights.rows.size(); ++r) {
        const std::int64_t slot = ((static_cast<std::int64_t>(r) + first * d) % k + k) % k;
        way.outputs.push_back({0, static_cast<std::size_t>(slot)});
    }
    maker.finish(way);
    return way;
}

/// For every slot of a row, the element that is there.
std::vector<std::optional<std::uint32_t>> elements_in(const Tensor& in, std::size_t slots) {
    std::vector<std::optional<std::uint32_t>> result(slots);
    for (std::size_t e = 0; e < in.places.size(); ++e) {
        for (std::size_t i = 0; i < in.copies.count; ++i) {
            result[repeat_of(in.places[e], in.copies, i, slots).position] = static_cast<std::uint32_t>(e);
        }
    }
    return result;
}

/// What a sum in parts still lacks.
class MissingWeights {
  public:
    MissingWeights(const WeightMatrix& weights, const Tensor& in, std::size_t slots, std::size_t period)
        : elements_(elements_in(in, slots)), slots_(slots), period_(period) {
        for (const auto& row : weights.rows) {
            auto& of_row = weights_.emplace_back(weights.columns);
            for (const WeightTerm& term : row) {
                of_row[term.column] = term.weight;
                left_ += term.weight != 0 ? 1 : 0;
            }
        }
    }

    [[nodiscard]] std::size_t left() const { return left_; }
    /// The step of the rotation that brings most of them to a slot of their row.
    [[nodiscard]] std::size_t best_step() {
        std::size_t best = 0;
        std::size_t most = 0;
        for (std::size_t step = 0; step < slots_; ++step) {
            std::size_t reached = 0;
            for_each_reached(step, [&](std::size_t, std::int64_t&) { ++reached; });
            if (reached > most) {
                most = reached;
                best = step;
            }
        }
        return best;
    }
    /// shift: of the slots that take them.
    void take(std::size_t step, std::size_t shift, DiagonalMaker& maker) {
        for_each_reached(step, [&](std::size_t slot, std::int64_t& weight) {
            maker.add(0, static_cast<std::int64_t>(slot + shift), 0, static_cast<std::int64_t>(slot + step),
                      weight);
            weight = 0;
            --left_;
        });
    }

  private:
    /// Calls visit(slot, weight) for all that this rotation brings.
    template <typename Visit>
    void for_each_reached(std::size_t step, const Visit& visit) {
        for (std::size_t r = 0; r < weights_.size(); ++r) {
            for (std::size_t j = 0; j < slots_ / period_; ++j) {
                const std::size_t slot = r + j * period_;
                const auto& element = elements_[(slot + step) % slots_];
                if (element && weights_[r][*element] != 0) {
                    visit(slot, weights_[r][*element]);
                }
            }
        }
    }

    std::vector<std::optional<std::uint32_t>> elements_;  // [slot]
    std::size_t slots_;
    std::size_t period_;
    std::vector<std::vector<std::int64_t>> weights_;  // [row][element]
    std::size_t left_ = 0;
};

/// The parts of folded_way() left to the client, of inputs that have copies: few rotations reach all of them.
/// Nothing where it takes many.
std::optional<Way> parted_way_of_copies(const WeightMatrix& weights, const Tensor& in, std::size_t slots,
                                        std::size_t period, const Making& making) {
    constexpr int most_steps = 16;
    if (weights.rows.size() > period || slots / period < 2 || in.ciphertexts != 1) {
        return std::nullopt;
    }
    Way way;
    way.parts = {slots / period, period};
    DiagonalMaker maker(slots, making);
    MissingWeights missing(weights, in, slots, period);
    std::optional<std::size_t> shift;  // the first step is none at all
    for (int steps = 0; missing.left() > 0; ++steps) {
        if (steps == most_steps) {
            return std::nullopt;
        }
        check_stop(making.stop);
        const std::size_t step = missing.best_step();
        shift = shift.value_or(step);
        missing.take(step, *shift, maker);
    }
    for (std::size_t r = 0; r < weights.rows.size(); ++r) {
        way.outputs.push_back({0, (r + shift.value_or(0)) % slots});
    }
    maker.finish(way);
    return way;
}

/// The output of a convolution or pool where the input is arranged: the same blocks, windows where their
/// first taps are. Nothing where that is no room for them, as padding can make more windows than pixels.
std::optional<PackedArrangement> windows_in(const PackedArrangement& in, const Windows& windows,
                                            const Shape& shape) {
    if (windows.stride.vertical % in.phases.vertical != 0 ||
        windows.stride.horizontal % in.phases.horizontal != 0) {
        return std::nullopt;
    }
    PackedArrangement out;
    out.row_step = in.row_step * (windows.stride.vertical / in.phases.vertical);
    out.column_step = in.column_step * (windows.stride.horizontal / in.phases.horizontal);
    out.block_step = in.block_step;
    out.blocks = in.blocks;
    const std::size_t last_column = (shape.width - 1) * out.column_step;
    const std::size_t last = (shape.height - 1) * out.row_step + last_column;
    return last_column < out.row_step && last < out.block_step ? std::optional(out) : std::nullopt;
}

/// The ways of one linear layer.
class WayMaker {
  public:
    /// What becomes of the output.
    enum class Next {
        layers,
        activations,  ///< and no other layer: slots without an element must hold 0
        reply,        ///< the same, and the client may add parts up
    };
    WayMaker(const Layer& layer, const LinearMap& map, const Tensor& in, const Shape& out, std::size_t slots,
             Next next, std::stop_token stop)
        : layer_(layer),
          weights_(map.weights),
          in_(in),
          out_(out),
          slots_(slots),
          next_(next),
          stop_(std::move(stop)) {}

    [[nodiscard]] std::vector<Way> all() const {
        std::vector<Way> ways;
        const auto consider = [&](PackedWay::Kind kind, std::size_t period) {
            if (std::optional<Way> way = make(kind, period, {nullptr, stop_})) {
                ways.push_back(std::move(*way));
            }
        };
        consider(PackedWay::Kind::arranged, 0);
        if (ways.empty() || weights_.rows.size() <= slots_) {
            consider(PackedWay::Kind::direct, 0);
        }
        for (const std::size_t period : periods()) {
            consider(PackedWay::Kind::folded, period);
            consider(PackedWay::Kind::parted, period);
        }
        if (ways.empty()) {
            throw Error("layer '" + layer_.name + "' needs more than " + std::to_string(most_diagonals) +
                        " diagonals, or its " + std::to_string(weights_.rows.size()) + " outputs more than " +
                        std::to_string(most_ciphertexts) + " ciphertexts, of " + std::to_string(slots_) +
                        " slots");
        }
        return ways;
    }

    [[nodiscard]] Way known(const PackedWay& way) const {
        const bool periodic = way.kind == PackedWay::Kind::folded || way.kind == PackedWay::Kind::parted;
        const bool has_period = periodic ? periods().contains(way.period) : way.period == 0;
        std::optional<Way> made = has_period ? make(way.kind, way.period, {&way, stop_}) : std::nullopt;
        if (!made) {
            throw Error("layer '" + layer_.name + "' cannot be laid out as the plan says; plan this model");
        }
        return std::move(*made);
    }

  private:
    /// Of folded and parted ways.
    [[nodiscard]] std::set<std::size_t> periods() const {
        return {weights_.rows.size(), std::bit_ceil(weights_.rows.size())};
    }

    /// Nothing where there is no such way, or not within the limits.
    [[nodiscard]] std::optional<Way> make(PackedWay::Kind kind, std::size_t period,
                                          const Making& making) const {
        std::optional<Way> way;
        try {
            way = make_any(kind, period, making);
        } catch (const DiagonalMaker::TooMany&) {
            return std::nullopt;
        }
        if (!way || way->ciphertexts > most_ciphertexts) {
            return std::nullopt;
        }
        way->way.kind = kind;
        way->way.period = period;
        return way;
    }

    [[nodiscard]] std::optional<Way> make_any(PackedWay::Kind kind, std::size_t period,
                                              const Making& making) const {
        if (kind == PackedWay::Kind::folded) {
            return folded_way(weights_, in_, slots_, period, next_ == Next::layers ? Fold::any : Fold::clean,
                              making);
        }
        if (kind == PackedWay::Kind::parted) {
            if (next_ != Next::reply) {
                return std::nullopt;
            }
            if (in_.copies.count > 1) {
                if (auto way = parted_way_of_copies(weights_, in_, slots_, period, making)) {
                    return way;
                }
            }
            return folded_way(weights_, in_, slots_, period, Fold::left, making);
        }
        if (kind == PackedWay::Kind::direct) {
            std::vector<Place> places;
            for (std::size_t r = 0; r < weights_.rows.size(); ++r) {
                places.push_back({r / slots_, r % slots_});
            }
            return direct_way(weights_, in_, slots_, std::move(places), making);
        }
        const auto windows = windows_of(layer_);
        const auto arrangement =
            windows && in_.arrangement ? windows_in(*in_.arrangement, *windows, out_) : std::nullopt;
        if (!arrangement || arrangement->slots(out_) > slots_) {
            return std::nullopt;
        }
        Way way = direct_way(weights_, in_, slots_, arrangement->places(out_), making);
        way.arrangement = arrangement;
        return way;
    }

    const Layer& layer_;
    const WeightMatrix& weights_;
    const Tensor& in_;
    const Shape& out_;
    std::size_t slots_;
    Next next_;
    std::stop_token stop_;
};

/// The ways of all layers of a model.
class Layers {
  public:
    Layers(const ExpandedModel& model, std::size_t slots) : model_(model), slots_(slots) {
        for (std::size_t l = 0; l < model.layers().size(); ++l) {
            if (is_linear(model.layers()[l])) {
                linear_.push_back(l);
            }
            activates_ = std::holds_alternative<Activation>(model.layers()[l].kind) ||
                         (activates_ && !is_linear(model.layers()[l]));
        }
    }

    /// Numbers of the linear ones.
    [[nodiscard]] const std::vector<std::size_t>& linear() const { return linear_; }
    [[nodiscard]] WayMaker maker(std::size_t layer, const Tensor& in) const {
        const auto next = layer != linear_.back() ? WayMaker::Next::layers
                          : activates_            ? WayMaker::Next::activations
                                                  : WayMaker::Next::reply;
        return {model_.layers()[layer], model_.map(layer), in, model_.shapes()[layer + 1], slots_, next,
                model_.stop()};
    }
    /// The cheapest one; for the last layer but one, together with the last, which gains by copies.
    [[nodiscard]] Way best(std::size_t layer, const Tensor& in) const {
        std::vector<Way> ways = maker(layer, in).all();
        const bool ahead = linear_.size() > 1 && layer == linear_[linear_.size() - 2];
        std::vector<double> costs;
        for (const Way& way : ways) {
            costs.push_back(way.cost() + (ahead ? cost_of_last(after(in, layer, way)) : 0));
        }
        return std::move(ways[static_cast<std::size_t>(std::ranges::min_element(costs) - costs.begin())]);
    }
    [[nodiscard]] Tensor after(const Tensor& in, std::size_t layer, const Way& way) const {
        Tensor out = in;
        out.shape = model_.shapes()[layer + 1];
        out.places = way.outputs;
        out.ciphertexts = way.ciphertexts;
        out.arrangement = way.arrangement;
        out.copies = way.copies;
        return out;
    }

  private:
    /// Infinite where there is no way.
    [[nodiscard]] double cost_of_last(Tensor in) const {
        double least = std::numeric_limits<double>::infinity();
        in.shape = model_.shapes()[linear_.back()];
        try {
            for (const Way& way : maker(linear_.back(), in).all()) {
                least = std::min(least, way.cost());
            }
        } catch (const Stopped&) {
            throw;
        } catch (const Error&) {
            return least;
        }
        return least;
    }

    const ExpandedModel& model_;
    std::size_t slots_;
    std::vector<std::size_t> linear_;
    bool activates_ = false;  // behind the last linear one
};

/// The input's arrangement: by phases where a convolution or pool comes first.
PackedArrangement arrangement_of(const ExpandedModel& model, const std::vector<std::size_t>& linear,
                                 std::size_t slots) {
    const std::vector<Shape>& shapes = model.shapes();
    std::optional<PackedArrangement> phases;
    if (!linear.empty()) {
        const std::size_t first = linear.front();
        const auto windows = windows_of(model.layers()[first]);
        if (windows && shapes[first] == shapes.front()) {
            phases = phases_for(*windows, shapes[first], shapes[first + 1], slots);
        }
    }
    return phases.value_or(rows_of(shapes.front(), slots));
}

DiagonalAccount account_of(const Way& way, std::size_t inputs) {
    DiagonalAccount account;
    account.inputs = inputs;
    account.outputs = way.ciphertexts;
    account.products = way.diagonals.size();
    account.babies = way.schedule.babies;
    account.giants = way.schedule.giants;
    std::vector<std::set<int>> giants(way.ciphertexts);
    for (const RotationSchedule::Term& term : way.schedule.terms) {
        if (term.giant != 0) {
            giants[term.output].insert(term.giant);
        }
    }
    for (const auto& of_output : giants) {
        account.most_giants = std::max(account.most_giants, of_output.size());
    }
    for (const auto& fold : way.folds) {
        account.folds.push_back(fold.size());
    }
    account.parts = way.parts.count;
    account.chained = way.schedule.chained;
    return account;
}

/// PackedNetwork::interleaved() of a layer.
void interleave(PackedLayer& layer, std::size_t images) {
    const auto times = static_cast<int>(images);
    for (Diagonal& diagonal : layer.diagonals) {
        diagonal.rotation.steps *= times;
        std::vector<std::int64_t> values;
        values.reserve(diagonal.values.size() * images);
        for (const std::int64_t value : diagonal.values) {
            values.insert(values.end(), images, value);
        }
        diagonal.values = std::move(values);
    }
    for (RotationSchedule::Term& term : layer.schedule.terms) {
        term.giant *= times;
        term.baby *= times;
    }
    layer.schedule.width *= times;
    for (std::vector<int>& fold : layer.folds) {
        for (int& steps : fold) {
            steps *= times;
        }
    }
    layer.account.norms = {};
}

}  // namespace

std::set<int> PackedLayer::steps() const {
    const std::vector<int> scheduled = schedule.steps();
    std::set<int> steps(scheduled.begin(), scheduled.end());
    for (const auto& fold : folds) {
        steps.insert(fold.begin(), fold.end());
    }
    return steps;
}

void PackedLayer::measure(const BinomialEncoder& encoder, std::size_t n, const std::stop_token& stop) {
    account.norms = diagonal_norms(encoder, n, diagonals, schedule, stop);
    check_stop(stop);
}

PackedNetwork::PackedNetwork(const ExpandedModel& model, std::size_t slots) {
    lay_out(model, slots, nullptr);
}

PackedNetwork::PackedNetwork(const ExpandedModel& model, std::size_t slots, std::span<const PackedWay> ways,
                             std::size_t images) {
    if (images == 0 || slots % images != 0) {
        throw Error("packed network: expected images that share " + std::to_string(slots) +
                    " slots evenly, found " + std::to_string(images) + " of them; plan this model");
    }
    lay_out(model, slots / images, &ways);
    *this = interleaved(images);
}

PackedNetwork PackedNetwork::interleaved(std::size_t images) const {
    PackedNetwork result = *this;
    result.images_ *= images;
    for (std::size_t* const step :
         {&result.input_.row_step, &result.input_.column_step, &result.input_.block_step,
          &result.input_.copy_step, &result.parts_.step}) {
        *step *= images;
    }
    for (std::vector<Place>& places : result.places_) {
        for (Place& place : places) {
            place.position *= images;
        }
    }
    for (Repeats& copies : result.copies_) {
        copies.step *= images;
    }
    for (PackedLayer& layer : result.layers_) {
        interleave(layer, images);
    }
    return result;
}

std::vector<PackedWay> PackedNetwork::ways() const {
    std::vector<PackedWay> result;
    for (const PackedLayer& layer : layers_) {
        result.push_back(layer.way);
    }
    return result;
}

/// ways: null where they are to be searched for.
void PackedNetwork::lay_out(const ExpandedModel& model, std::size_t slots,
                            const std::span<const PackedWay>* ways) {
    const std::vector<Shape>& shapes = model.shapes();
    const std::vector<Layer>& layers = model.layers();
    const Layers makers(model, slots);
    if (ways != nullptr && ways->size() != makers.linear().size()) {
        throw Error("expected a layout of " + std::to_string(makers.linear().size()) +
                    " linear layers, found one of " + std::to_string(ways->size()) + "; plan this model");
    }
    input_ = arrangement_of(model, makers.linear(), slots);
    Tensor tensor = arranged(shapes.front(), input_);
    if (tensor.ciphertexts > most_ciphertexts || input_.slots(shapes.front()) > slots) {
        throw Error("an input of " + std::to_string(shapes.front().size()) + " elements needs more than " +
                    std::to_string(most_ciphertexts) + " ciphertexts of " + std::to_string(slots) + " slots");
    }
    input_ciphertexts_ = tensor.ciphertexts;
    const auto note = [&] {
        places_.push_back(tensor.places);
        ciphertexts_.push_back(tensor.ciphertexts);
        copies_.push_back(tensor.copies);
    };
    note();
    for (std::size_t l = 0; l < layers.size(); ++l) {
        if (is_linear(layers[l])) {
            Way way = ways == nullptr ? makers.best(l, tensor)
                                      : makers.maker(l, tensor).known((*ways)[layers_.size()]);
            PackedLayer& layer = layers_.emplace_back();
            layer.layer = l;
            layer.way = way.way;
            layer.account = account_of(way, tensor.ciphertexts);
            parts_ = way.parts;
            tensor = makers.after(tensor, l, way);
            layer.diagonals = std::move(way.diagonals);
            layer.schedule = std::move(way.schedule);
            layer.folds = std::move(way.folds);
        } else if (std::holds_alternative<Flatten>(layers[l].kind)) {
            tensor.arrangement.reset();
        }
        tensor.shape = shapes[l + 1];
        note();
    }
}

std::vector<int> PackedNetwork::steps() const {
    std::set<int> steps;
    for (const PackedLayer& layer : layers_) {
        steps.merge(layer.steps());
    }
    return {steps.begin(), steps.end()};
}

void PackedNetwork::measure(const BinomialEncoder& encoder, std::size_t n, const std::stop_token& stop) {
    for (PackedLayer& layer : layers_) {
        layer.measure(encoder, n, stop);
    }
}

PackedTensors packed_tensors(const PackedNetwork& network, std::size_t slots) {
    PackedTensors tensors;
    tensors.images = network.images();
    tensors.input = network.input();
    for (const Place& place : network.places().back()) {
        tensors.logits.push_back(place.ciphertext * slots + place.position);
    }
    tensors.parts = network.parts();
    return tensors;
}

std::vector<std::uint32_t> rotation_elements(const PackedNetwork& network, std::size_t n,
                                             const PlainModulus& t) {
    std::set<std::uint32_t> elements;
    for (const int steps : network.steps()) {
        elements.insert(rotation_element(n, t, steps));
    }
    return {elements.begin(), elements.end()};
}

std::vector<std::size_t> rotation_limbs(const PackedNetwork& network, std::size_t n, const PlainModulus& t,
                                        std::span<const std::size_t> layer_limbs) {
    std::map<std::uint32_t, std::size_t> limbs;
    for (std::size_t l = 0; l < network.layers().size(); ++l) {
        for (const int step : network.layers()[l].steps()) {
            std::size_t& most = limbs[rotation_element(n, t, step)];
            most = std::max(most, layer_limbs[l]);
        }
    }
    std::vector<std::size_t> result;
    for (const auto& [element, most] : limbs) {
        result.push_back(most);
    }
    return result;
}

}  // namespace lacuna
