// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/plan/plan.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <lacuna/he/fv/context.h>
#include <lacuna/he/rlwe/security.h>
#include <lacuna/nn/model/ranges.h>
#include <lacuna/nn/packing/packed.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/primes.h>
#include "tests/support/inference.h"
#include "tests/support/places.h"

namespace lacuna::testing {
namespace {

PlanRequest request_of(std::optional<Packing> packing, int security = 128, int privacy_bits = 0,
                       std::size_t batch = 1) {
    PlanRequest request;
    request.packing = packing;
    request.plain_kind = packing ? PlainKind::integers : PlainKind::any;
    request.security = security;
    request.privacy_bits = privacy_bits;
    request.batch = batch;
    return request;
}

PlanRequest request_of_binomial(Packing packing, std::size_t batch = 1, int privacy_bits = 0) {
    PlanRequest request = request_of(packing, 128, privacy_bits, batch);
    request.plain_kind = PlainKind::binomial;
    return request;
}

std::string refusal(const Model& model, const PlanRequest& request) {
    try {
        (void)make_plan(model, request);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

/// Everything that a plan promises, checked from the model and the parameters alone.
void expect_sound(const Model& model, const PlanRequest& request, const Plan& plan) {
    const ClientPlan& client = plan.client;
    const Parameters& parameters = client.parameters;
    EXPECT_EQ(client.model, model.name);
    EXPECT_EQ(client.input_shape, model.input_shape);
    EXPECT_EQ(client.thresholds, model.thresholds);
    EXPECT_EQ(client.classes, model.classes());
    EXPECT_EQ(client.privacy_bits, request.privacy_bits);
    EXPECT_EQ(client.public_key, request.privacy_bits > 0);
    if (request.packing) {
        EXPECT_EQ(client.packing, *request.packing);
    }

    // Ranges: the product of the moduli holds every value and its negative.
    mpz_class product = 1;
    for (const std::uint64_t t : parameters.plain_moduli) {
        EXPECT_LT(t, std::uint64_t{1} << 50);
        product *= mpz_class(static_cast<unsigned long>(t));
        if (client.packing == Packing::slots) {
            EXPECT_EQ(t % (2 * parameters.n), 1U);
            EXPECT_TRUE(is_prime(t));
        }
    }
    for (const PlainModulus& t : parameters.plain_polynomials) {
        EXPECT_TRUE(t == PlainModulus::binomial(1, 2) || PackedPacking::takes(t, parameters.n))
            << to_string(t);
        product *= slot_modulus(t, parameters.n);
    }
    EXPECT_GT(product, 2 * plan.range + 1);
    Layout input{client.packing, model.input_shape.size(), 1, 0};
    if (client.packing == Packing::packed) {
        EXPECT_EQ(plan.range, slot_ranges(model).largest_logit());
        EXPECT_EQ(plan.moduli(), 1U);
        EXPECT_EQ(client.batch, request.batch);
        EXPECT_EQ(client.packed.logits.size(), model.classes());
        EXPECT_TRUE(std::is_sorted(client.galois_elements.begin(), client.galois_elements.end()));
        EXPECT_LE(client.packed.input.slots(model.input_shape), parameters.plain_polynomials.front().power());
        input.each = client.packed.input.ciphertexts(model.input_shape);
        input.images = client.packed.images;
    } else if (!parameters.plain_polynomials.empty()) {
        const std::size_t slots = parameters.plain_polynomials.front().power();
        EXPECT_EQ(client.packing, slots == 1 ? Packing::radix : Packing::slots);
        EXPECT_EQ(plan.range, slot_ranges(model).largest_logit());
        EXPECT_EQ(plan.moduli(), 1U);
        EXPECT_EQ(client.batch, slots);
        EXPECT_EQ(client.reply_coefficients, 0U);
        if (slots == 1 && model.classes() > 1 &&
            client.reply_parts == 2) {  // logits do not reach into each other
            EXPECT_GT(mpz_class(1) << client.reply_stride, 2 * plan.range + 1);
            EXPECT_LT(client.reply_stride * model.classes(), parameters.n);
        } else {
            EXPECT_EQ(client.reply_stride, 0U);
        }
    } else if (client.packing == Packing::slots) {
        EXPECT_EQ(plan.range, slot_ranges(model).largest_logit());
        EXPECT_EQ(client.batch, parameters.n);
        EXPECT_EQ(client.reply_stride, 0U);
        EXPECT_EQ(client.reply_layout(3), (Layout{Packing::slots, model.classes(), 3, 0}));
    } else {
        const RadixRanges ranges = radix_ranges(model);
        EXPECT_EQ(plan.range, ranges.largest_logit_coefficient());
        EXPECT_EQ(plan.degree, ranges.largest_degree());
        EXPECT_LT(plan.degree, parameters.n);
        EXPECT_EQ(client.batch, 1U);
        for (const auto& logit : ranges.logits) {
            EXPECT_LE(logit.size(), client.reply_coefficients);
        }
        EXPECT_LE(client.reply_coefficients * model.classes(), parameters.n);
        EXPECT_EQ(client.reply_stride, model.classes() > 1 ? client.reply_coefficients : 0);
    }
    EXPECT_EQ(client.input_layout(1), input);

    // Security: all primes together within the table, and a context that needs no exception.
    EXPECT_FALSE(parameters.allow_insecure);
    EXPECT_EQ(parameters.security, request.security);
    EXPECT_LE(plan.log_qp(), max_log_qp(parameters.n, request.security));
    EXPECT_NO_THROW((void)Context(parameters));

    // Noise and levels.
    EXPECT_GT(plan.output_budget_bits, 0);
    EXPECT_GT(plan.reply_budget_bits, 0);
    EXPECT_GE(client.reply_limbs, 1U);
    ASSERT_FALSE(plan.steps.empty());
    std::size_t limbs = parameters.data_primes.size();
    std::size_t size = 2;
    bool relinearizes = false;
    for (const PlanStep& step : plan.steps) {
        EXPECT_GT(step.budget_bits, 0) << step.name;
        EXPECT_LE(step.limbs, limbs) << step.name;
        EXPECT_GE(step.limbs, client.reply_limbs) << step.name;
        EXPECT_FALSE(step.name.empty());
        if (step.kind == PlanStep::Kind::activation) {
            EXPECT_TRUE(size == 2U || client.reply_parts > 2) << step.name << " needs relinearised operands";
            relinearizes |= step.size == 3 && client.reply_parts == 2;
        }
        if (step.kind == PlanStep::Kind::relinearize) {
            EXPECT_EQ(size, 3U);
            EXPECT_EQ(step.size, 2U);
        }
        limbs = step.limbs;
        size = step.size;
    }
    EXPECT_EQ(size, client.reply_parts);
    EXPECT_TRUE(client.reply_parts == 2 || (!client.relin_keys && parameters.special_primes.empty()));
    EXPECT_EQ(limbs, client.reply_limbs);
    EXPECT_TRUE(client.relin_keys || !relinearizes);
    EXPECT_GE(plan.steps.back().budget_bits, plan.reply_budget_bits);  // before low bits are left out
    EXPECT_GT(plan.reply_budget_bits, 0);
    EXPECT_GT(plan.cost(), 0);
    EXPECT_GT(plan.upload_bytes(), 0);
    EXPECT_GT(plan.download_bytes(), 0);
    EXPECT_GT(plan.evaluation_key_bytes(), 0);  // a public key where there is no other
    EXPECT_EQ(plan.operations.total(), count_operations(model).total());
    EXPECT_GE(plan.reasons.size(), 4U);
}

TEST(Plan, IsSoundForRandomModels) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        for (const Packing packing : {Packing::slots, Packing::radix}) {
            for (const int security : {128, 192, 256}) {
                const Model model = seed % 2 == 0 ? SmallModel(seed).one_activation(2 + seed / 3, 3, 3, 5)
                                                  : SmallModel(seed).two_activations(3, 2, 4);
                const PlanRequest request = request_of(packing, security);
                SCOPED_TRACE("seed " + std::to_string(seed) + ", " + packing_name(packing) + ", " +
                             std::to_string(security));
                expect_sound(model, request, make_plan(model, request));
            }
        }
    }
}

TEST(Plan, IsSoundModuloBinomials) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        const Model model = seed % 2 == 0 ? SmallModel(seed).one_activation(2, 3, 3, 5)
                                          : SmallModel(seed).two_activations(3, 2, 4);
        for (const Packing packing : {Packing::slots, Packing::radix}) {
            for (const int privacy_bits : {0, 40}) {
                PlanRequest request = request_of_binomial(packing, 20, privacy_bits);
                SCOPED_TRACE("seed " + std::to_string(seed) + ", " + packing_name(packing));
                expect_sound(model, request, make_plan(model, request));
            }
        }
    }
}

TEST(Plan, IsSoundWithCircuitPrivacy) {
    for (const int privacy_bits : {1, 40, 80}) {
        const Model model = SmallModel(3).one_activation(2, 2, 2, 4);
        for (const Packing packing : {Packing::slots, Packing::packed}) {
            const PlanRequest request = request_of(packing, 128, privacy_bits);
            const Plan plan = make_plan(model, request);
            expect_sound(model, request, plan);
            EXPECT_EQ(std::count_if(plan.steps.begin(), plan.steps.end(),
                                    [](const PlanStep& step) { return step.kind == PlanStep::Kind::flood; }),
                      1);
        }
    }
}

TEST(Plan, CostsMoreWithMoreSecurityAndPrivacy) {
    const Model model = SmallModel(4).two_activations(3, 3, 4);
    const Plan plain = make_plan(model, request_of(Packing::slots));
    const Plan secure = make_plan(model, request_of(Packing::slots, 256));
    const Plan hidden = make_plan(model, request_of(Packing::slots, 128, 40));
    EXPECT_GT(secure.client.parameters.n, plain.client.parameters.n);
    EXPECT_GT(secure.cost(), plain.cost());
    EXPECT_GT(hidden.cost(), plain.cost());
    EXPECT_GT(hidden.upload_bytes(), plain.upload_bytes());
}

TEST(Plan, ChoosesThePackingByTheBatch) {
    const Model model = SmallModel(5).two_activations(3, 3, 4);
    const Plan slots = make_plan(model, request_of(Packing::slots));
    const Plan many = make_plan(model, request_of(std::nullopt, 128, 0, slots.client.parameters.n));
    EXPECT_EQ(many.client.packing, Packing::slots);
    const Plan one = make_plan(model, request_of(std::nullopt));
    double least = make_plan(model, request_of(Packing::packed)).cost();
    for (const Packing packing : {Packing::slots, Packing::radix}) {
        PlanRequest request = request_of(packing);
        for (const PlainKind kind : {PlainKind::integers, PlainKind::binomial}) {
            request.plain_kind = kind;
            least = std::min(least, make_plan(model, request).cost());
        }
        request.plain_kind = PlainKind::any;
        EXPECT_LE(make_plan(model, request).cost(), make_plan(model, request_of(packing)).cost() * 1.01);
    }
    EXPECT_GE(one.cost(), least);
    EXPECT_LE(one.cost(), least * 1.01) << "near ties stay with what was tried first";
}

/// Batches between 2 and n get as many slots as they need, not n of them.
TEST(Plan, GivesABatchTheSlotsThatItNeeds) {
    const Model model = SmallModel(5).two_activations(3, 3, 4);
    std::size_t last = 0;
    for (const std::size_t batch : {2, 100, 1000}) {
        const Plan plan = make_plan(model, request_of_binomial(Packing::slots, batch));
        EXPECT_GE(plan.client.batch, batch);
        EXPECT_LT(plan.client.batch, plan.client.parameters.n);
        EXPECT_GE(plan.client.batch, last);
        last = plan.client.batch;
        expect_sound(model, request_of_binomial(Packing::slots, batch), plan);
    }
    PlanRequest unsaid = request_of(Packing::slots);
    unsaid.plain_kind = PlainKind::any;
    const Plan most = make_plan(model, unsaid);
    EXPECT_EQ(most.client.batch, most.client.parameters.n) << "no batch is any batch";
    PlanRequest several = request_of_binomial(Packing::slots, 1000);
    several.plain_moduli = 2;
    EXPECT_NE(refusal(model, several), "") << "a number of moduli asks for integers";
}

TEST(Plan, JoinsSeveralModuliWhereOneIsTooSmall) {
    SmallModel random(6);
    Model model = random.empty({4, 1, 1}, 1);
    random.add_dense(model, 2, 2, 10);
    std::get<Dense>(model.layers[0].kind).bias[1] = mpz_class(1) << 120;
    const Plan plan = make_plan(model, request_of(Packing::slots));
    EXPECT_GE(plan.moduli(), 3U);
    expect_sound(model, request_of(Packing::slots), plan);
    // Digits do not grow with a bias.
    const Plan radix = make_plan(model, request_of(Packing::radix));
    EXPECT_EQ(radix.moduli(), 1U);
    EXPECT_GE(radix.client.reply_coefficients, 121U);
    expect_sound(model, request_of(Packing::radix), radix);
}

TEST(Plan, TakesAsManyModuliAsAreAskedFor) {
    const Model model = SmallModel(8).two_activations(2, 2, 3);
    PlanRequest request = request_of(Packing::slots);
    for (const std::size_t count : {1, 2, 3}) {
        request.plain_moduli = count;
        const Plan plan = make_plan(model, request);
        EXPECT_EQ(plan.moduli(), count);
        expect_sound(model, request, plan);
    }
    request.plain_moduli = 9;
    EXPECT_NE(refusal(model, request).find("at most 8 plaintext moduli, found 9"), std::string::npos);
}

TEST(Plan, RefusesWhatItCannotDo) {
    const Model model = SmallModel(7).two_activations(2, 2, 3);
    EXPECT_NE(refusal(model, request_of(std::nullopt, 128, 0, 0)).find("at least 1 image"),
              std::string::npos);
    for (const int security : {0, 100, 129, 512}) {
        EXPECT_NE(refusal(model, request_of(std::nullopt, security)).find("128, 192 or 256"),
                  std::string::npos);
    }
    EXPECT_NE(refusal(model, request_of(Packing::radix, 128, 40)).find("not offered for the radix packing"),
              std::string::npos);
    EXPECT_NE(refusal(model, request_of(Packing::slots, 128, -1)).find("0 ... 128"), std::string::npos);
    EXPECT_NE(refusal(model, request_of(Packing::slots, 128, 129)).find("0 ... 128"), std::string::npos);
}

TEST(Plan, SaysWhichBoundAModelBreaks) {
    SmallModel random(8);
    // Far too deep, though still within what a model may ask of validation.
    Model deep = random.empty({1, 1, 2}, 3);
    for (int i = 0; i < 3; ++i) {
        deep.layers.push_back({"act" + std::to_string(i), Activation{{1, 1, 1, 1, 1, 1, 1, 1, 1}}});
    }
    const std::string too_deep = refusal(deep, request_of(Packing::slots));
    EXPECT_NE(too_deep.find("'small-8' cannot be run under encryption"), std::string::npos) << too_deep;
    EXPECT_NE(too_deep.find("slots: values need"), std::string::npos) << too_deep;
    EXPECT_NE(too_deep.find("train for a smaller range"), std::string::npos) << too_deep;
    // Values that fit, and noise that does not: eight squarings at 256 bits of security.
    Model noisy = random.empty({1, 1, 2}, 2);
    for (int i = 0; i < 8; ++i) {
        noisy.layers.push_back({"act" + std::to_string(i), Activation{{0, 1, 1}}});
    }
    const std::string too_noisy = refusal(noisy, request_of(Packing::slots, 256));
    EXPECT_NE(too_noisy.find("holds their noise"), std::string::npos) << too_noisy;

    // More bits than eight moduli have.
    Model wide = random.empty({1, 1, 1}, 1);
    random.add_dense(wide, 1, 1, 1);
    wide.layers.push_back({"scale", Activation{{0, mpz_class("1" + std::string(99, '0'))}}});
    wide.layers.push_back({"scale2", Activation{{0, mpz_class("1" + std::string(99, '0'))}}});
    const std::string too_wide = refusal(wide, request_of(Packing::slots));
    EXPECT_NE(too_wide.find("more than the 400 of 8 plaintext moduli"), std::string::npos) << too_wide;

    // Digits of too many logits for one ring.
    Model many = random.empty({1, 1, 1}, 1);
    many.layers.push_back({"dense", Dense{{1, std::vector<std::vector<WeightTerm>>(5000, {{0, 513}})},
                                          std::vector<mpz_class>(5000)}});
    const std::string too_many = refusal(many, request_of(Packing::radix));
    EXPECT_NE(too_many.find("coefficients side by side have to fit n = 32768"), std::string::npos)
        << too_many;

    Model nothing = random.empty({1, 1, 2}, 1);
    nothing.layers.push_back({"flatten", Flatten{}});
    EXPECT_NE(refusal(nothing, request_of(std::nullopt)).find("no layer that computes anything"),
              std::string::npos);
}

TEST(Plan, CountsBytesAsTheyTravel) {
    const Model model = SmallModel(9).one_activation(2, 3, 3, 5);
    const Plan plan = make_plan(model, request_of(Packing::slots));
    const Parameters& p = plan.client.parameters;
    double bits = 0;
    for (const std::uint64_t q : p.data_primes) {
        bits += std::bit_width(q);
    }
    const double residues = static_cast<double>(p.n) / 8 * bits;
    const double ciphertexts = static_cast<double>(model.input_shape.size() * plan.moduli());
    EXPECT_NEAR(plan.upload_bytes(), ciphertexts * residues, ciphertexts * 64);
    EXPECT_LT(plan.download_bytes(), static_cast<double>(model.classes() * plan.moduli()) * 2 * residues);
}

/// A network whose search takes many times as long as this test.
TEST(Plan, StopsWhereverTheSearchIs) {
    const Model model = load_model(test::source_folder() / "nn/models/cifar10.lacuna.json");
    for (const int milliseconds : {0, 1, 10, 100, 300}) {
        std::stop_source source;
        const std::jthread asker([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
            source.request_stop();
        });
        EXPECT_THROW((void)make_plan(model, {}, source.get_token()), Stopped) << milliseconds;
    }
}

TEST(Plan, StopsBeforeItIsMadeAgain) {
    const Model model = SmallModel(9).one_activation(2, 3, 3, 5);
    const Plan plan = make_plan(model, request_of(Packing::slots));
    std::stop_source source;
    source.request_stop();
    EXPECT_THROW((void)remake_plan(model, plan.client, plan.recipe, source.get_token()), Stopped);
    EXPECT_THROW((void)parse_compiled_plan(format_compiled_plan(plan), model, "plan", source.get_token()),
                 Stopped);
}

}  // namespace
}  // namespace lacuna::testing
