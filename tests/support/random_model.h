// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <lacuna/nn/model/model.h>

namespace lacuna::test {

/// Random small networks for tests, the same for the same seed.
class RandomModel {
  public:
    explicit RandomModel(std::uint64_t seed) : random_(seed) {}

    std::int64_t integer(std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
    }

    /// Weights below 2^bits in magnitude, about half of them powers of two, a third of them 0.
    WeightMatrix weights(std::size_t rows, std::size_t columns, int bits) {
        WeightMatrix matrix;
        matrix.columns = columns;
        matrix.rows.resize(rows);
        for (auto& row : matrix.rows) {
            for (std::size_t c = 0; c < columns; ++c) {
                if (integer(0, 2) == 0) {
                    continue;
                }
                const std::int64_t power = std::int64_t{1} << integer(0, bits - 1);
                const std::int64_t magnitude =
                    integer(0, 1) == 0 ? power : integer(1, (std::int64_t{1} << bits) - 1);
                row.push_back({static_cast<std::uint32_t>(c), integer(0, 1) == 0 ? magnitude : -magnitude});
            }
        }
        return matrix;
    }

    std::vector<mpz_class> integers(std::size_t count, std::int64_t magnitude) {
        std::vector<mpz_class> result;
        for (std::size_t i = 0; i < count; ++i) {
            result.emplace_back(static_cast<long>(integer(-magnitude, magnitude)));
        }
        return result;
    }

    Activation activation(std::size_t degree, std::int64_t magnitude) {
        Activation result{integers(degree + 1, magnitude)};
        if (result.coefficients.back() == 0) {
            result.coefficients.back() = 1;
        }
        return result;
    }

    /// convolution, activation, sum pool, flatten, dense, activation, dense on a 7 x 6 image of 1 or 2
    /// channels, with random kernels, strides, padding and thresholds.
    Model model(int weight_bits, std::size_t degree) {
        Model model;
        model.name = "random";
        model.input_shape = {static_cast<std::size_t>(integer(1, 2)), 7, 6};
        for (int threshold = static_cast<int>(integer(1, 120)); threshold <= 255;
             threshold += static_cast<int>(integer(30, 120))) {
            model.thresholds.push_back(threshold);
        }
        const auto add = [&](const char* name, auto kind) {
            model.layers.push_back({name, std::move(kind)});
        };
        const Extent kernel = window(1, 4);
        const std::size_t channels = static_cast<std::size_t>(integer(1, 3));
        add("conv",
            Convolution{kernel, window(1, 3), padding(kernel),
                        weights(channels, model.input_shape.channels * kernel.vertical * kernel.horizontal,
                                weight_bits),
                        integers(channels, 20)});
        add("act1", activation(degree, 5));
        const Extent pool = window(1, 2);
        add("pool", SumPool{pool, window(1, 2), padding(pool)});
        add("flatten", Flatten{});
        add("fc1", Dense{weights(5, model.shapes().back().size(), weight_bits), integers(5, 100)});
        add("act2", activation(2, 4));
        add("fc2", Dense{weights(4, 5, weight_bits), integers(4, 1000)});
        return model;
    }

    std::vector<std::uint8_t> pixels(std::size_t count) {
        std::vector<std::uint8_t> result(count);
        const bool extreme = integer(0, 1) == 0;
        for (auto& pixel : result) {
            pixel = static_cast<std::uint8_t>(extreme ? 255 * integer(0, 1) : integer(0, 255));
        }
        return result;
    }

  private:
    Extent window(std::int64_t low, std::int64_t high) {
        return {static_cast<std::size_t>(integer(low, high)), static_cast<std::size_t>(integer(low, high))};
    }
    Extent padding(const Extent& kernel) {
        return {static_cast<std::size_t>(integer(0, static_cast<std::int64_t>(kernel.vertical) - 1)),
                static_cast<std::size_t>(integer(0, static_cast<std::int64_t>(kernel.horizontal) - 1))};
    }

    std::mt19937_64 random_;
};

}  // namespace lacuna::test
