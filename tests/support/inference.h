// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/fv/decryptor.h>
#include <lacuna/nn/client/client.h>
#include <lacuna/nn/model/reference.h>
#include <lacuna/nn/plan/plan.h>
#include <lacuna/nn/server/session.h>
#include <lacuna/rns/basis.h>
#include <lacuna/rns/ring_operations.h>
#include "tests/support/random_model.h"

namespace lacuna {

/// For messages of tests that run over the packings.
inline void PrintTo(Packing packing, std::ostream* out) {
    *out << packing_name(packing);
}

namespace testing {

using Logits = std::vector<std::vector<mpz_class>>;

/// The noise e of c_0 + c_1 s = Q m / t + e, coefficient by coefficient: the centred residue of t e modulo Q,
/// over t.
inline std::vector<double> noise_of(const Client& client, const Ciphertext& ciphertext) {
    const RnsBasis basis = client.context().ring().data().prefix(ciphertext.limbs());
    RnsPolynomial phase = ciphertext.parts[1];
    to_ntt(basis, phase);
    multiply(basis, phase, client.secret_key().s.first_limbs(ciphertext.limbs()), phase);
    to_coefficients(basis, phase);
    add(basis, phase, ciphertext.parts[0], phase);
    multiply_scalar(basis, phase, static_cast<std::int64_t>(ciphertext.t.value()), phase);
    const Crt crt(basis);
    std::vector<double> noise;
    std::vector<std::uint64_t> residues(ciphertext.limbs());
    for (std::size_t j = 0; j < ciphertext.n(); ++j) {
        for (std::size_t i = 0; i < residues.size(); ++i) {
            residues[i] = phase.limb(i)[j];
        }
        noise.push_back(crt.compose_centred(residues).get_d() / static_cast<double>(ciphertext.t.value()));
    }
    return noise;
}

/// The conditional variance of the noise, which has a tail of its own behind products (he/fv/noise.md): over
/// the coefficients of one ciphertext it is their mean square. Every step's bound has to be as many of those
/// deviations as a Gaussian would need; how many bits more it is, is what it costs.
struct VarianceWatch {
    explicit VarianceWatch(const Client& the_client) : client(the_client) {}

    void operator()(const PlanStep& step, const std::vector<Ciphertext>& values) {
        for (std::size_t i = 0; i < std::min<std::size_t>(values.size(), 3) && values[i].size() == 2; ++i) {
            double squares = 0;
            for (const double e : noise_of(client, values[i])) {
                squares += e * e;
            }
            const double distance =
                step.noise_bits - 0.5 * std::log2(squares / static_cast<double>(values[i].n()));
            EXPECT_GE(distance, std::log2(14.0)) << step.name;
            least = std::min(least, distance);
            last = distance;
        }
    }

    const Client& client;
    double least = std::numeric_limits<double>::infinity();
    double last = 0;
};

/// A model from plan to reply: client, server, and the reference that they have to equal.
struct Inference {
    Inference(const Model& model, const PlanRequest& request, int threads = 2)
        : Inference(model, make_plan(model, request), threads) {}
    Inference(const Model& model, Plan the_plan, int threads = 2)
        : plan(std::move(the_plan)),
          reference(model),
          client(plan.client),
          session(model, plan, client.evaluation_keys(threads)) {
        control.threads = threads;
    }

    [[nodiscard]] Logits logits(std::span<const std::uint8_t> pixels,
                                const Session::Observer& observe = {}) const {
        return client.decrypt(session.infer(client.encrypt(pixels, control), control, observe), control);
    }
    /// Every logit of every image.
    void expect_exact(std::span<const std::uint8_t> pixels, const Session::Observer& observe = {}) const {
        const Logits found = logits(pixels, observe);
        const Logits expected = reference.batch_logits(pixels, control.threads);
        ASSERT_EQ(found.size(), expected.size());
        for (std::size_t image = 0; image < found.size(); ++image) {
            ASSERT_EQ(found[image], expected[image]) << "image " << image;
        }
    }

    Plan plan;
    Reference reference;
    Client client;
    Session session;
    RunControl control;
};

/// Watches an inference with the secret key: the measured noise budget of a few ciphertexts after every step
/// may never be below what the plan proves.
class NoiseWatch {
  public:
    NoiseWatch(const Client& client, std::size_t samples)
        : decryptor_(client.context(), client.secret_key()), samples_(samples) {}

    void operator()(const PlanStep& step, const std::vector<Ciphertext>& ciphertexts) {
        const std::size_t count = std::min(samples_, ciphertexts.size());
        double measured = std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < count; ++i) {
            const Ciphertext& sample = ciphertexts[i * ciphertexts.size() / count];
            EXPECT_EQ(sample.limbs(), step.limbs) << step.name;
            EXPECT_LE(sample.size(), step.size) << step.name;
            measured = std::min(measured, decryptor_.noise_budget(sample));
        }
        EXPECT_EQ(ciphertexts.size(), step.elements) << step.name;
        EXPECT_GT(step.budget_bits, 0) << step.name;
        EXPECT_GE(measured, step.budget_bits) << step.name << ": more noise than the plan proves";
        text_ += "  " + step.name + ": " + std::to_string(measured) + " measured, " +
                 std::to_string(step.budget_bits) + " proven\n";
        largest_slack_ = std::max(largest_slack_, measured - step.budget_bits);
        ++steps_;
    }

    [[nodiscard]] std::size_t steps() const { return steps_; }
    /// Measured minus proven, at most, in bits.
    [[nodiscard]] double largest_slack() const { return largest_slack_; }
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    Decryptor decryptor_;
    std::size_t samples_;
    std::size_t steps_ = 0;
    double largest_slack_ = 0;
    std::string text_;
};

/// Models small enough to be run under encryption many times over.
class SmallModel : public test::RandomModel {
  public:
    explicit SmallModel(std::uint64_t seed) : test::RandomModel(seed), seed_(seed) {}

    /// A model without layers on images of the given shape, pixels of 0 ... levels.
    [[nodiscard]] Model empty(const Shape& shape, int levels) const {
        Model model;
        model.name = "small-" + std::to_string(seed_);
        model.input_shape = shape;
        for (int i = 1; i <= levels; ++i) {
            model.thresholds.push_back(i * 255 / (levels + 1));
        }
        return model;
    }

    /// One activation: convolution with padding, activation, sum pool, flatten, dense; one filter has no
    /// weights.
    [[nodiscard]] Model one_activation(std::size_t degree, int weight_bits, int levels, std::size_t classes) {
        Model model = empty({2, 5, 4}, levels);
        WeightMatrix filters = weights(3, 2 * 3 * 2, weight_bits);
        filters.rows[1].clear();
        model.layers.push_back(
            {"conv", Convolution{{3, 2}, {2, 1}, {1, 1}, std::move(filters), integers(3, 20)}});
        model.layers.push_back({"act", activation(degree, 5)});
        model.layers.push_back({"pool", SumPool{{2, 2}, {1, 2}, {1, 0}}});
        add_dense(model, classes, weight_bits, 1000);
        return model;
    }

    /// Two squares or general quadratics.
    [[nodiscard]] Model two_activations(int weight_bits, int levels, std::size_t classes) {
        Model model = empty({1, 6, 5}, levels);
        model.layers.push_back(
            {"conv", Convolution{{3, 3}, {2, 2}, {1, 0}, weights(2, 9, weight_bits), integers(2, 9)}});
        model.layers.push_back({"act1", activation(2, 3)});
        model.layers.push_back({"pool", SumPool{{2, 1}, {1, 1}, {1, 0}}});
        add_dense(model, 4, weight_bits, 50);
        model.layers.push_back({"act2", activation(2, 3)});
        add_dense(model, classes, weight_bits, 1000);
        return model;
    }

    /// A dense layer, after a flatten layer where the shape asks for one.
    void add_dense(Model& model, std::size_t rows, int weight_bits, std::int64_t bias) {
        const Shape shape = model.shapes().back();
        if (shape.height != 1 || shape.width != 1) {
            model.layers.push_back({"flatten" + std::to_string(model.layers.size()), Flatten{}});
        }
        model.layers.push_back(
            {"dense" + std::to_string(model.layers.size()),
             Dense{weights(rows, model.shapes().back().size(), weight_bits), integers(rows, bias)}});
    }

    [[nodiscard]] std::vector<std::uint8_t> images(const Model& model, std::size_t count) {
        std::vector<std::uint8_t> result;
        for (std::size_t i = 0; i < count; ++i) {
            const auto image = pixels(model.input_shape.size());
            result.insert(result.end(), image.begin(), image.end());
        }
        return result;
    }

  private:
    std::uint64_t seed_;
};

}  // namespace testing
}  // namespace lacuna
