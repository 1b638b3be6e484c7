// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/reference.h>

#include <algorithm>
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
Integer from_weight(std::int64_t weight) {
    if constexpr (std::is_same_v<Integer, mpz_class>) {
        return to_signed_mpz(weight);
    } else {
        return weight;
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
    : Reference(model, slot_ranges(model).largest_working(), width) {}

Reference::Reference(const Model& model, const mpz_class& working, std::optional<IntegerWidth> width)
    : levels_(model.thresholds, model.features, model.input_shape) {
    width_ = narrowest(working);
    if (width) {
        if (*width < width_) {
            throw Error("reference of model '" + model.name + "': expected a width that holds values of " +
                        std::to_string(mpz_sizeinbase(working.get_mpz_t(), 2)) +
                        " bits and a sign, found a narrower one; let the reference choose");
        }
        width_ = *width;
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

struct Reference::Evaluation {
    const Reference& reference;

    /// Evaluates up to Lanes images at once; element e of image i lies at [e * Lanes + i], absent images are
    /// 0. Calls watch with the values after each layer, the input first.
    template <class Integer, std::size_t Lanes, class Watch>
    std::vector<Integer> block(std::span<const std::uint8_t> pixels, std::size_t images,
                               const Watch& watch) const {
        std::vector<Integer> values(reference.image_size() * Lanes);
        for (std::size_t image = 0; image < images; ++image) {
            for (std::size_t e = 0; e < reference.image_size(); ++e) {
                values[e * Lanes + image] =
                    reference.levels_.level(e, pixels[image * reference.image_size() + e]);
            }
        }
        watch(values);
        for (const Step& step : reference.steps_) {
            if (const auto* linear = std::get_if<Linear>(&step)) {
                std::vector<Integer> next(linear->row_ends.size() * Lanes);
                std::size_t i = 0;
                for (std::size_t o = 0; o < linear->row_ends.size(); ++o) {
                    Integer sums[Lanes];
                    std::fill(sums, sums + Lanes, from_mpz<Integer>(linear->bias[o]));
                    for (; i < linear->row_ends[o]; ++i) {
                        const WeightTerm& term = linear->terms[i];
                        const Integer weight = from_weight<Integer>(term.weight);
                        const Integer* x = values.data() + std::size_t{term.column} * Lanes;
                        for (std::size_t lane = 0; lane < Lanes; ++lane) {
                            sums[lane] += weight * x[lane];
                        }
                    }
                    std::move(sums, sums + Lanes, next.data() + o * Lanes);
                }
                values = std::move(next);
            } else if (const auto* polynomial = std::get_if<Polynomial>(&step)) {
                std::vector<Integer> coefficients;
                for (const mpz_class& coefficient : polynomial->coefficients) {
                    coefficients.push_back(from_mpz<Integer>(coefficient));
                }
                for (Integer& x : values) {
                    Integer y = coefficients.back();
                    for (std::size_t i = coefficients.size() - 1; i-- > 0;) {
                        y = y * x + coefficients[i];
                    }
                    x = y;
                }
            }
            watch(values);
        }
        return values;
    }

    template <class Integer, std::size_t Lanes, class Store>
    void for_each_block(std::span<const std::uint8_t> pixels, int threads, const Store& store) const {
        const std::size_t images = pixels.size() / reference.image_size();
        const std::size_t blocks = (images + Lanes - 1) / Lanes;
        parallel_for(blocks, threads, [&](std::size_t b) {
            const std::size_t first = b * Lanes;
            const std::size_t count = std::min(Lanes, images - first);
            const std::vector<Integer> logits = block<Integer, Lanes>(
                pixels.subspan(first * reference.image_size(), count * reference.image_size()), count,
                [](const auto&) {});
            for (std::size_t lane = 0; lane < count; ++lane) {
                store(first + lane, BlockLogits<Integer>{logits, Lanes, lane});
            }
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
        const bool single = pixels.size() == reference.image_size();
        switch (reference.width_) {
            case IntegerWidth::bits_64:
                return single ? for_each_block<std::int64_t, 1>(pixels, threads, store)
                              : for_each_block<std::int64_t, batch_lanes>(pixels, threads, store);
            case IntegerWidth::bits_128:
                return single ? for_each_block<Int128, 1>(pixels, threads, store)
                              : for_each_block<Int128, batch_lanes>(pixels, threads, store);
            case IntegerWidth::unbounded:
                return for_each_block<mpz_class, 1>(pixels, threads, store);
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
    std::vector<std::vector<mpz_class>> values;
    (void)Evaluation{*this}.block<mpz_class, 1>(
        pixels, 1, [&](const std::vector<mpz_class>& layer) { values.push_back(layer); });
    return values;
}

}  // namespace lacuna
