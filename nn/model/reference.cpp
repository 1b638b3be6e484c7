// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/reference.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include <lacuna/nn/model/ranges.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/gmp_words.h>
#include <lacuna/ntt/parallel.h>

namespace lacuna {

namespace {

__extension__ typedef __int128 Int128;

/// Images evaluated together: a term is read once for all of them, and their values lie side by side.
constexpr std::size_t batch_lanes = 16;

template <class Integer>
Integer from_mpz(const mpz_class& value) {
    if constexpr (std::is_same_v<Integer, mpz_class>) {
        return value;
    } else {
        const mpz_class magnitude = abs(value);
        const mpz_class high = magnitude >> 64;
        const auto result = static_cast<Integer>((static_cast<Int128>(to_word(high)) << 64) +
                                                 static_cast<Int128>(to_word(magnitude)));
        return value < 0 ? -result : result;
    }
}

template <class Integer>
void add_product(Integer& sum, std::int64_t weight, const Integer& x) {
    if constexpr (std::is_same_v<Integer, mpz_class>) {
        // In place: a temporary would be allocated for every term. Weights are at most 2^30.
        const auto add = weight < 0 ? mpz_submul_ui : mpz_addmul_ui;
        add(sum.get_mpz_t(), x.get_mpz_t(), static_cast<unsigned long>(std::abs(weight)));
    } else {
        sum += weight * x;
    }
}

template <class Integer>
mpz_class to_mpz(const Integer& value) {
    if constexpr (std::is_same_v<Integer, mpz_class>) {
        return value;
    } else {
        const bool negative = value < 0;
        const Int128 magnitude = negative ? -static_cast<Int128>(value) : static_cast<Int128>(value);
        mpz_class result = lacuna::to_mpz(static_cast<std::uint64_t>(magnitude >> 64));
        result <<= 64;
        result += lacuna::to_mpz(static_cast<std::uint64_t>(magnitude));
        return negative ? mpz_class(-result) : result;
    }
}

template <class To, class From>
To converted(const From& value) {
    if constexpr (std::is_same_v<From, mpz_class>) {
        return from_mpz<To>(value);
    } else if constexpr (std::is_same_v<To, mpz_class>) {
        return to_mpz(value);
    } else {
        return static_cast<To>(value);
    }
}

/// Values of a block of images, at the width of the layer that made them.
using Values = std::variant<std::vector<std::int64_t>, std::vector<Int128>, std::vector<mpz_class>>;

/// The values as these integers, which hold them.
template <class Integer>
std::vector<Integer> take_as(Values& values) {
    return std::visit(
        [](auto& held) {
            using Held = typename std::decay_t<decltype(held)>::value_type;
            if constexpr (std::is_same_v<Held, Integer>) {
                return std::move(held);
            } else {
                std::vector<Integer> result;
                result.reserve(held.size());
                for (const Held& value : held) {
                    result.push_back(converted<Integer>(value));
                }
                return result;
            }
        },
        values);
}

/// The logits of one image out of a block: logit i at block[i * lanes + lane].
template <class Integer>
struct BlockLogits {
    const std::vector<Integer>& block;
    std::size_t lanes;
    std::size_t lane;

    [[nodiscard]] std::size_t size() const { return block.size() / lanes; }
    [[nodiscard]] const Integer& operator[](std::size_t i) const { return block[i * lanes + lane]; }

    [[nodiscard]] std::size_t argmax() const {
        std::size_t best = 0;
        for (std::size_t i = 1; i < size(); ++i) {
            if ((*this)[i] > (*this)[best]) {
                best = i;
            }
        }
        return best;
    }
    [[nodiscard]] std::vector<mpz_class> values() const {
        std::vector<mpz_class> result;
        result.reserve(size());
        for (std::size_t i = 0; i < size(); ++i) {
            result.push_back(to_mpz((*this)[i]));
        }
        return result;
    }
};

void check_single(std::size_t pixels, std::size_t image_size) {
    if (pixels != image_size) {
        throw Error("reference: expected one image of " + std::to_string(image_size) + " pixels, found " +
                    std::to_string(pixels) + " pixels; give an image of the model's input shape");
    }
}

IntegerWidth narrowest(const mpz_class& working) {
    // A magnitude of b bits needs b + 1 bits with its sign.
    const std::size_t bits = mpz_sizeinbase(working.get_mpz_t(), 2);
    if (bits <= 63) {
        return IntegerWidth::bits_64;
    }
    return bits <= 127 ? IntegerWidth::bits_128 : IntegerWidth::unbounded;
}

}  // namespace

std::size_t argmax(std::span<const mpz_class> logits) {
    if (logits.empty()) {
        throw Error("argmax: expected at least one logit, found none; give a network's output");
    }
    return static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

Reference::Reference(const Model& model, std::optional<IntegerWidth> width)
    : Reference(model, slot_ranges(model).working, width) {}

Reference::Reference(const Model& model, std::span<const mpz_class> working,
                     std::optional<IntegerWidth> width)
    : levels_(model.thresholds, model.features, model.input_shape) {
    for (const mpz_class& bound : working) {
        if (width && *width < narrowest(bound)) {
            throw Error("reference of model '" + model.name + "': expected a width that holds values of " +
                        std::to_string(mpz_sizeinbase(bound.get_mpz_t(), 2)) +
                        " bits and a sign, found a narrower one; let the reference choose");
        }
        widths_.push_back(width.value_or(narrowest(bound)));
    }
    shapes_ = model.shapes();
    for (std::size_t l = 0; l < model.layers.size(); ++l) {
        const Layer& layer = model.layers[l];
        if (const auto* activation = std::get_if<Activation>(&layer.kind)) {
            steps_.emplace_back(Polynomial{activation->coefficients});
        } else if (is_linear(layer)) {
            LinearMap map = linear_map(layer, shapes_[l]);
            Linear step;
            step.bias = std::move(map.bias);
            step.terms.reserve(map.weights.nonzeros());
            step.row_ends.reserve(map.weights.rows.size());
            for (const auto& row : map.weights.rows) {
                step.terms.insert(step.terms.end(), row.begin(), row.end());
                step.row_ends.push_back(step.terms.size());
            }
            steps_.emplace_back(std::move(step));
        } else {
            steps_.emplace_back(Identity{});
        }
    }
}

IntegerWidth Reference::width() const {
    return *std::max_element(widths_.begin(), widths_.end());
}

struct Reference::Evaluation {
    const Reference& reference;

    template <class Integer, std::size_t Lanes>
    std::vector<Integer> apply(const Linear& linear, const std::vector<Integer>& values) const {
        std::vector<Integer> next(linear.row_ends.size() * Lanes);
        std::size_t i = 0;
        for (std::size_t o = 0; o < linear.row_ends.size(); ++o) {
            Integer sums[Lanes];
            std::fill(sums, sums + Lanes, from_mpz<Integer>(linear.bias[o]));
            for (; i < linear.row_ends[o]; ++i) {
                const WeightTerm& term = linear.terms[i];
                const Integer* x = values.data() + std::size_t{term.column} * Lanes;
                for (std::size_t lane = 0; lane < Lanes; ++lane) {
                    add_product(sums[lane], term.weight, x[lane]);
                }
            }
            std::move(sums, sums + Lanes, next.data() + o * Lanes);
        }
        return next;
    }

    template <class Integer, std::size_t Lanes>
    std::vector<Integer> apply(const Polynomial& polynomial, std::vector<Integer> values) const {
        std::vector<Integer> coefficients;
        for (const mpz_class& coefficient : polynomial.coefficients) {
            coefficients.push_back(from_mpz<Integer>(coefficient));
        }
        for (Integer& x : values) {
            Integer y = coefficients.back();
            for (std::size_t i = coefficients.size() - 1; i-- > 0;) {
                y = y * x + coefficients[i];
            }
            x = std::move(y);
        }
        return values;
    }

    template <class Integer, std::size_t Lanes>
    std::vector<Integer> apply(const Identity&, std::vector<Integer> values) const {
        return values;
    }

    /// One step at a width that holds what it takes, what it makes and what lies between.
    template <std::size_t Lanes>
    Values next(const Step& step, IntegerWidth width, Values values) const {
        return std::visit(
            [&](const auto& operation) -> Values {
                switch (width) {
                    case IntegerWidth::bits_64:
                        return apply<std::int64_t, Lanes>(operation, take_as<std::int64_t>(values));
                    case IntegerWidth::bits_128:
                        return apply<Int128, Lanes>(operation, take_as<Int128>(values));
                    case IntegerWidth::unbounded:
                        break;
                }
                return apply<mpz_class, Lanes>(operation, take_as<mpz_class>(values));
            },
            step);
    }

    /// Evaluates up to Lanes images at once at these widths; element e of image i lies at [e * Lanes + i],
    /// absent images are 0. Calls watch with the values after each layer, the input first.
    template <std::size_t Lanes, class Watch>
    Values block(std::span<const std::uint8_t> pixels, std::size_t images,
                 std::span<const IntegerWidth> widths, const Watch& watch) const {
        std::vector<std::int64_t> levels(reference.image_size() * Lanes);
        for (std::size_t image = 0; image < images; ++image) {
            for (std::size_t e = 0; e < reference.image_size(); ++e) {
                levels[e * Lanes + image] =
                    reference.levels_.level(e, pixels[image * reference.image_size() + e]);
            }
        }
        Values values = std::move(levels);
        watch(values);
        for (std::size_t s = 0; s < reference.steps_.size(); ++s) {
            values = next<Lanes>(reference.steps_[s], widths[s + 1], std::move(values));
            watch(values);
        }
        return values;
    }

    template <std::size_t Lanes, class Store>
    void for_each_block(std::span<const std::uint8_t> pixels, int threads, const Store& store) const {
        const std::size_t images = pixels.size() / reference.image_size();
        const std::size_t blocks = (images + Lanes - 1) / Lanes;
        parallel_for(blocks, threads, [&](std::size_t b) {
            const std::size_t first = b * Lanes;
            const std::size_t count = std::min(Lanes, images - first);
            const Values values =
                block<Lanes>(pixels.subspan(first * reference.image_size(), count * reference.image_size()),
                             count, reference.widths_, [](const Values&) {});
            std::visit(
                [&](const auto& logits) {
                    using Integer = typename std::decay_t<decltype(logits)>::value_type;
                    for (std::size_t lane = 0; lane < count; ++lane) {
                        store(first + lane, BlockLogits<Integer>{logits, Lanes, lane});
                    }
                },
                values);
        });
    }

    /// Calls store(index, logits) for every image, from several threads.
    template <class Store>
    void for_each_image(std::span<const std::uint8_t> pixels, int threads, const Store& store) const {
        if (threads < 1) {
            throw Error("reference: expected at least 1 thread, found " + std::to_string(threads) +
                        "; give a positive number");
        }
        if (pixels.size() % reference.image_size() != 0) {
            throw Error("reference: expected a whole number of images of " +
                        std::to_string(reference.image_size()) + " pixels, found " +
                        std::to_string(pixels.size()) + " pixels; give images of the model's input shape");
        }
        if (pixels.size() == reference.image_size()) {
            for_each_block<1>(pixels, threads, store);
        } else {
            for_each_block<batch_lanes>(pixels, threads, store);
        }
    }
};

std::vector<std::vector<mpz_class>> Reference::batch_logits(std::span<const std::uint8_t> pixels,
                                                            int threads) const {
    std::vector<std::vector<mpz_class>> result(pixels.size() / image_size());
    Evaluation{*this}.for_each_image(
        pixels, threads, [&](std::size_t image, const auto& logits) { result[image] = logits.values(); });
    return result;
}

std::vector<std::size_t> Reference::batch_classify(std::span<const std::uint8_t> pixels, int threads) const {
    std::vector<std::size_t> result(pixels.size() / image_size());
    Evaluation{*this}.for_each_image(
        pixels, threads, [&](std::size_t image, const auto& logits) { result[image] = logits.argmax(); });
    return result;
}

std::vector<mpz_class> Reference::logits(std::span<const std::uint8_t> pixels) const {
    check_single(pixels.size(), image_size());
    return batch_logits(pixels, 1).front();
}

std::size_t Reference::classify(std::span<const std::uint8_t> pixels) const {
    check_single(pixels.size(), image_size());
    return batch_classify(pixels, 1).front();
}

std::vector<std::vector<mpz_class>> Reference::trace(std::span<const std::uint8_t> pixels) const {
    check_single(pixels.size(), image_size());
    const std::vector<IntegerWidth> unbounded(widths_.size(), IntegerWidth::unbounded);
    std::vector<std::vector<mpz_class>> result;
    (void)Evaluation{*this}.block<1>(pixels, 1, unbounded,
                                     [&](Values layer) { result.push_back(take_as<mpz_class>(layer)); });
    return result;
}

}  // namespace lacuna
