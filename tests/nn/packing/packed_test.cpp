// SPDX-License-Identifier: Apache-2.0
//
// The packed packing from layout to reply, on models small enough for a second.
#include <algorithm>
#include <random>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include <lacuna/nn/client/tensor_file.h>
#include <lacuna/nn/model/expanded_model.h>
#include <lacuna/nn/model/ranges.h>
#include <lacuna/nn/packing/packed.h>
#include <lacuna/nn/packing/packed_network.h>
#include <lacuna/ntt/error.h>
#include "tests/support/inference.h"
#include "tests/support/random_model.h"

namespace lacuna::testing {
namespace {

std::vector<std::uint8_t> random_pixels(std::size_t count, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<std::uint8_t> pixels(count);
    std::ranges::generate(pixels, [&] { return static_cast<std::uint8_t>(random()); });
    return pixels;
}

PlanRequest packed_request(std::size_t batch = 1, int privacy_bits = 0) {
    PlanRequest request;
    request.packing = Packing::packed;
    request.batch = batch;
    request.privacy_bits = privacy_bits;
    return request;
}

/// Two channels under a convolution with stride and padding, a square, an overlapping pool, a dense layer.
Model small_model() {
    test::RandomModel random(3);
    Model model;
    model.name = "small";
    model.input_shape = {2, 9, 8};
    model.thresholds = {60, 120, 200};
    model.layers.push_back(
        {"conv", Convolution{{3, 3}, {2, 2}, {1, 1}, random.weights(3, 18, 2), random.integers(3, 5)}});
    model.layers.push_back({"square", Activation{{2, -1, 1}}});
    const Shape conv = model.shapes().back();
    model.layers.push_back({"pool", SumPool{{3, 2}, {1, 2}, {1, 0}}});
    const Shape pool = model.shapes().back();
    EXPECT_NE(conv, pool);
    model.layers.push_back({"flatten", Flatten{}});
    model.layers.push_back({"dense", Dense{random.weights(5, pool.size(), 2), random.integers(5, 9)}});
    return model;
}

/// What a network does to slots, on integers: diagonals and folds as they are written. images: that share
/// them.
class PlainRun {
  public:
    PlainRun(const ExpandedModel& model, std::size_t slots, std::size_t images = 1)
        : network_(PackedNetwork(model, slots).interleaved(images)), slots_(slots * images) {}

    /// pixels: of up to as many images as share the slots.
    void expect_equals(const Model& model, const std::vector<std::uint8_t>& pixels) {
        const std::size_t elements = model.input_shape.size();
        const Reference reference(model);
        std::vector<Trace> traces;
        std::vector<std::int64_t> levels;
        for (std::size_t begin = 0; begin < pixels.size(); begin += elements) {
            traces.push_back(reference.trace(std::span(pixels).subspan(begin, elements)));
            for (const mpz_class& value : traces.back().front()) {
                levels.push_back(value.get_si());
            }
        }
        std::vector<Row> rows;
        for (const auto& row : PackedPacking::slots_of(network_.input(), model.input_shape, slots_, levels)) {
            rows.emplace_back(row.begin(), row.end());
        }
        ASSERT_EQ(rows.size(), network_.input_ciphertexts());
        auto layer = network_.layers().begin();
        for (std::size_t l = 0; l < model.layers.size(); ++l) {
            if (is_linear(model.layers[l])) {
                rows = linear(*layer++, rows);
                add_bias(linear_map(model.layers[l], model.shapes()[l]).bias, l + 1, rows);
            } else if (const auto* activation = std::get_if<Activation>(&model.layers[l].kind)) {
                activate(*activation, rows);
            }
            ASSERT_EQ(rows.size(), network_.ciphertexts(l + 1));
            if (l + 1 == model.layers.size() && network_.parts().count > 1) {
                continue;
            }
            for (std::size_t image = 0; image < traces.size(); ++image) {
                expect_elements(rows, traces[image][l + 1], l + 1, image);
            }
        }
        // What the client decrypts besides the logits is 0 or a logit but for its bias.
        if (network_.parts().count > 1) {
            expect_parts(rows, traces);
        } else if (is_linear(model.layers.back())) {
            expect_logits_alone(rows, traces, model);
        }
    }

    [[nodiscard]] const PackedNetwork& network() const { return network_; }

  private:
    using Row = std::vector<mpz_class>;

    using Trace = std::vector<std::vector<mpz_class>>;

    static mpz_class& at(std::vector<Row>& rows, const Place& place) {
        return rows[place.ciphertext][place.position];
    }
    void add_bias(const std::vector<mpz_class>& bias, std::size_t entry, std::vector<Row>& rows) const {
        const std::vector<Place>& places = network_.places()[entry];
        const Repeats& copies = network_.copies(entry);
        for (std::size_t e = 0; e < bias.size(); ++e) {
            for (std::size_t i = 0; i < copies.count * network_.images(); ++i) {
                const Place place = repeat_of(places[e], copies, i / network_.images(), slots_);
                rows[place.ciphertext][place.position + i % network_.images()] += bias[e];
            }
        }
    }
    static void activate(const Activation& activation, std::vector<Row>& rows) {
        for (Row& row : rows) {
            for (mpz_class& x : row) {
                mpz_class sum = 0;
                for (std::size_t i = activation.coefficients.size(); i-- > 0;) {
                    sum = sum * x + activation.coefficients[i];
                }
                x = sum;
            }
        }
    }
    void expect_elements(const std::vector<Row>& rows, const std::vector<mpz_class>& values,
                         std::size_t entry, std::size_t image) const {
        const std::vector<Place>& places = network_.places()[entry];
        ASSERT_EQ(places.size(), values.size());
        for (std::size_t e = 0; e < places.size(); ++e) {
            for (std::size_t i = 0; i < network_.copies(entry).count; ++i) {
                const Place place = repeat_of(places[e], network_.copies(entry), i, slots_);
                EXPECT_EQ(rows[place.ciphertext][place.position + image], values[e])
                    << "entry " << entry << ", element " << e << ", image " << image;
            }
        }
    }
    static void expect_logits_alone(const std::vector<Row>& rows, const std::vector<Trace>& traces,
                                    const Model& model) {
        const std::vector<mpz_class> bias =
            linear_map(model.layers.back(), model.shapes()[model.layers.size() - 1]).bias;
        std::set<mpz_class> allowed = {0};
        for (const Trace& trace : traces) {
            for (std::size_t e = 0; e < bias.size(); ++e) {
                allowed.insert(trace.back()[e]);
                allowed.insert(trace.back()[e] - bias[e]);
            }
        }
        for (const Row& row : rows) {
            for (const mpz_class& value : row) {
                EXPECT_TRUE(allowed.contains(value)) << value;
            }
        }
    }
    /// Parts that sum to the logits, and 0 everywhere else.
    void expect_parts(std::vector<Row> rows, const std::vector<Trace>& traces) const {
        for (std::size_t image = 0; image < traces.size(); ++image) {
            const std::vector<mpz_class>& logits = traces[image].back();
            for (std::size_t e = 0; e < logits.size(); ++e) {
                mpz_class sum = 0;
                for (std::size_t i = 0; i < network_.parts().count; ++i) {
                    Place place = repeat_of(network_.places().back()[e], network_.parts(), i, slots_);
                    place.position += image;
                    mpz_class& part = at(rows, place);
                    sum += part;
                    part = 0;  // no other logit's
                }
                EXPECT_EQ(sum, logits[e]) << "logit " << e << ", image " << image;
            }
        }
        for (const Row& row : rows) {
            for (const mpz_class& value : row) {
                EXPECT_EQ(value, 0);
            }
        }
    }

    [[nodiscard]] std::size_t turned(std::size_t slot, int steps) const {
        const auto k = static_cast<std::int64_t>(slots_);
        return static_cast<std::size_t>(((static_cast<std::int64_t>(slot) + steps) % k + k) % k);
    }
    [[nodiscard]] std::vector<Row> linear(const PackedLayer& layer, const std::vector<Row>& rows) const {
        std::vector<Row> sums(layer.account.outputs, Row(slots_));
        for (const Diagonal& diagonal : layer.diagonals) {
            for (std::size_t j = 0; j < diagonal.values.size(); ++j) {
                sums[diagonal.rotation.output][j] +=
                    static_cast<long>(diagonal.values[j]) *
                    rows[diagonal.rotation.input][turned(j, diagonal.rotation.steps)];
            }
        }
        for (Row& sum : sums) {
            for (const std::vector<int>& fold : layer.folds) {
                const Row before = sum;
                for (const int steps : fold) {
                    for (std::size_t j = 0; j < slots_; ++j) {
                        sum[j] += before[turned(j, steps)];
                    }
                }
            }
        }
        return sums;
    }

    PackedNetwork network_;
    std::size_t slots_;
};

TEST(PackedNetwork, IsTheModelInSlots) {
    const Model model = small_model();
    const ExpandedModel expanded(model);
    const auto pixels = random_pixels(model.input_shape.size(), 1);
    for (const std::size_t slots : {64, 256, 1024}) {  // several ciphertexts, one, one with copies
        PlainRun run(expanded, slots);
        run.expect_equals(model, pixels);
        EXPECT_EQ(run.network().input_ciphertexts() > 1, slots == 64);
    }
    EXPECT_EQ(PackedNetwork(expanded, 1024).input().copies, 2U);
    EXPECT_THROW(PackedNetwork(expanded, 1), Error);
}

TEST(PackedNetwork, IsAnyModel) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        test::RandomModel random(seed);
        const Model model = random.model(3, 2);
        const ExpandedModel expanded(model);
        PlainRun(expanded, 128).expect_equals(model, random_pixels(model.input_shape.size(), seed));
    }
}

TEST(PackedNetwork, FoldsWhatHasFewRows) {
    test::RandomModel random(7);
    Model model;
    model.name = "wide";
    model.input_shape = {1, 20, 40};
    model.thresholds = {128};
    model.layers.push_back({"flatten", Flatten{}});
    model.layers.push_back({"dense1", Dense{random.weights(35, 800, 2), random.integers(35, 5)}});
    model.layers.push_back({"square", Activation{{0, 0, 1}}});
    model.layers.push_back({"dense2", Dense{random.weights(10, 35, 2), random.integers(10, 5)}});
    const ExpandedModel expanded(model);
    PlainRun run(expanded, 1024);
    run.expect_equals(model, random_pixels(800, 2));
    EXPECT_LE(run.network().layers()[0].account.products, 64U);
    EXPECT_FALSE(run.network().layers()[0].folds.empty());
    // The client adds the last layer up: no rotation does.
    EXPECT_TRUE(run.network().layers()[1].folds.empty());
    EXPECT_GT(run.network().parts().count, 1U);
}

/// A fold leaves its sums everywhere; the last layer then takes few rotations, each for several rows.
TEST(PackedNetwork, LeavesTheLastSumToTheClient) {
    test::RandomModel random(8);
    for (const std::size_t hidden : {64, 61}) {
        Model model;
        model.name = "copies";
        model.input_shape = {1, 16, 32};
        model.thresholds = {128};
        model.layers.push_back({"flatten", Flatten{}});
        model.layers.push_back({"dense1", Dense{random.weights(hidden, 512, 2), random.integers(hidden, 5)}});
        model.layers.push_back({"square", Activation{{3, 2, 1}}});
        model.layers.push_back({"dense2", Dense{random.weights(10, hidden, 2), random.integers(10, 5)}});
        const ExpandedModel expanded(model);
        PlainRun run(expanded, 512);
        run.expect_equals(model, random_pixels(512, 2));
        EXPECT_GT(run.network().parts().count, 1U);
        EXPECT_EQ(run.network().copies(3), (Repeats{8, 64}));
        EXPECT_LE(run.network().layers()[1].account.products, 3U);
        // The same ways make the same network.
        const std::vector<PackedWay> ways = run.network().ways();
        const PackedNetwork again(expanded, 512, ways, 1);
        EXPECT_EQ(again.parts(), run.network().parts());
        EXPECT_EQ(again.places(), run.network().places());
        EXPECT_EQ(again.steps(), run.network().steps());
        // A sum that an activation follows cannot wait for the client.
        model.layers.push_back({"square2", Activation{{0, 0, 1}}});
        const ExpandedModel followed(model);
        EXPECT_EQ(PackedNetwork(followed, 512).parts(), Repeats{});
        PlainRun(followed, 512).expect_equals(model, random_pixels(512, 3));
    }
}

/// Several images in the slots of one: each is what it is alone, and no rotation mixes them.
TEST(PackedNetwork, HoldsSeveralImages) {
    const Model model = small_model();
    const ExpandedModel expanded(model);
    for (const std::size_t images : {2, 4, 8}) {
        const auto pixels = random_pixels(images * model.input_shape.size(), images);
        for (const std::size_t slots : {64, 256}) {
            PlainRun run(expanded, slots, images);
            run.expect_equals(model, pixels);
            EXPECT_EQ(run.network().images(), images);
            const PackedNetwork alone(expanded, slots);
            EXPECT_EQ(run.network().steps().size(), alone.steps().size());
            EXPECT_EQ(run.network().ways(), alone.ways());
            const PackedNetwork again(expanded, slots * images, alone.ways(), images);
            EXPECT_EQ(again.places(), run.network().places());
            EXPECT_EQ(again.steps(), run.network().steps());
            EXPECT_EQ(again.input(), run.network().input());
        }
        EXPECT_THROW(PackedNetwork(expanded, 256, PackedNetwork(expanded, 256).ways(), 3), Error);
        EXPECT_THROW(PackedNetwork(expanded, 256, PackedNetwork(expanded, 256).ways(), 0), Error);
    }
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        test::RandomModel random(seed);
        const Model any = random.model(3, 2);
        PlainRun(ExpandedModel(any), 128, 2)
            .expect_equals(any, random_pixels(2 * any.input_shape.size(), seed));
    }
}

TEST(PackedPacking, TakesBinomialsWithSlots) {
    for (const std::size_t k : {512, 1024, 2048}) {
        const mpz_class needed = mpz_class(1) << 30;
        const auto t = PackedPacking::plain_modulus(8192, k, needed);
        ASSERT_TRUE(t.has_value());
        EXPECT_EQ(t->power(), k);
        EXPECT_TRUE(PackedPacking::takes(*t, 8192));
        EXPECT_GT(slot_modulus(*t, 8192), needed);
    }
    EXPECT_EQ(PackedPacking::plain_modulus(8192, 2048, mpz_class(1) << 30)->base(), 272);
    EXPECT_FALSE(PackedPacking::plain_modulus(8192, 4096, mpz_class(1) << 60).has_value());
    EXPECT_FALSE(PackedPacking::takes(PlainModulus(65537), 8192));
    EXPECT_FALSE(PackedPacking::takes(PlainModulus::binomial(1024, 131), 8192));
}

/// Every logit, with noise never above what the plan proves.
TEST(Packed, EqualsTheReference) {
    const Model model = small_model();
    for (const int privacy_bits : {0, 40}) {
        const Inference inference(model, packed_request(1, privacy_bits));
        EXPECT_TRUE(inference.plan.client.parameters.plain_moduli.empty());
        EXPECT_FALSE(inference.plan.client.galois_elements.empty());
        NoiseWatch watch(inference.client, 4);
        inference.expect_exact(
            random_pixels(model.input_shape.size(), 5),
            [&](const PlanStep& step, const std::vector<Ciphertext>& values) { watch(step, values); });
    }
}

TEST(Packed, TakesSeveralImages) {
    const Model model = small_model();
    const Inference inference(model, packed_request(3));
    EXPECT_EQ(inference.plan.client.batch, 3U);
    const auto pixels = random_pixels(3 * model.input_shape.size(), 6);
    inference.expect_exact(pixels);
    inference.expect_exact(std::span(pixels).first(model.input_shape.size()));
    EXPECT_THROW((void)inference.client.encrypt(random_pixels(4 * model.input_shape.size(), 7)), Error);
}

/// A whole set, a part of one, and several of them.
TEST(Packed, ImagesShareCiphertexts) {
    const Model model = small_model();
    const std::size_t size = model.input_shape.size();
    for (const int privacy_bits : {0, 40}) {
        for (const std::size_t images : {2, 4}) {
            const Inference inference(model, packed_request(images, privacy_bits));
            const ClientPlan& client = inference.plan.client;
            ASSERT_EQ(client.packed.images, images);
            EXPECT_EQ(client.input_layout(images).ciphertexts(), client.input_layout(1).ciphertexts());
            const auto pixels = random_pixels(images * size, 10 + images);
            NoiseWatch watch(inference.client, 4);
            inference.expect_exact(pixels, [&](const PlanStep& step, const std::vector<Ciphertext>& values) {
                watch(step, values);
            });
            inference.expect_exact(std::span(pixels).first(size));
            inference.expect_exact(std::span(pixels).first((images - 1) * size));
        }
    }
    const Inference inference(model, packed_request(5));
    EXPECT_GT(inference.plan.client.packed.images, 1U);
    inference.expect_exact(random_pixels(5 * size, 12));
    inference.expect_exact(random_pixels(3 * size, 13));
    EXPECT_THROW((void)inference.client.encrypt(random_pixels(6 * size, 14)), Error);
    // A request of other counts than its ciphertexts.
    SeededTensor upload = inference.client.encrypt(random_pixels(5 * size, 15));
    upload.layout.images = 1;
    EXPECT_THROW((void)inference.session.infer(upload), Error);
}

TEST(Packed, RefusesOtherKeys) {
    const Model model = small_model();
    const Plan plan = make_plan(model, packed_request());
    const Client client(plan.client);
    EvaluationKeys keys = client.evaluation_keys();
    EXPECT_EQ(keys.galois_keys.entries.size(), plan.client.galois_elements.size());
    ASSERT_EQ(plan.client.galois_limbs.size(), plan.client.galois_elements.size());
    keys.galois_keys.entries.erase(keys.galois_keys.entries.begin());
    EXPECT_THROW((void)Session(model, plan, std::move(keys)), Error);
}

/// version: of the client's half of a plan for so many images.
void expect_survives_files(std::size_t images, int version) {
    const Model model = small_model();
    const Inference inference(model, packed_request(images, 40));
    const ClientPlan& plan = inference.plan.client;
    const std::string text = format_client_plan(plan);
    const std::string says_version = "\"version\": " + std::to_string(version);
    EXPECT_NE(text.find(says_version), std::string::npos);
    EXPECT_EQ(parse_client_plan(text, "plan"), plan);
    // Two pixels in one slot, too many slots, another version.
    const auto refused = [&](const std::string& what, const std::string& by) {
        std::string changed = text;
        const std::size_t at = changed.find(what);
        ASSERT_NE(at, std::string::npos) << what;
        changed.replace(at, what.size(), by);
        EXPECT_THROW((void)parse_client_plan(changed, "plan"), Error) << by;
    };
    const PackedArrangement& input = plan.packed.input;
    refused("\"row_step\": " + std::to_string(input.row_step), "\"row_step\": 1");
    refused("\"row_step\": " + std::to_string(input.row_step), "\"row_step\": 100000");
    refused(says_version, "\"version\": 2");
    refused(says_version, "\"version\": 3");
    refused(says_version, version == 5 ? "\"version\": 7" : "\"version\": 5");
    if (images > 1) {
        const std::string shared = "\"images\": " + std::to_string(plan.packed.images);
        refused(shared, "\"images\": 1");
        refused(shared, "\"images\": 3");     // no divisor
        refused(shared, "\"images\": 1024");  // pixels of two in one slot
        refused(shared, "\"images\": 100000");
    }
    ASSERT_GT(plan.packed.parts.count, 1U);
    const std::string step = "\"part_step\": " + std::to_string(plan.packed.parts.step);
    refused(step, "\"part_step\": 1");  // parts of two logits in one slot
    refused(step, "\"part_step\": 0");
    refused("\"parts\": " + std::to_string(plan.packed.parts.count), "\"parts\": 1000000");
    refused("\"galois_limbs\": [", "\"galois_limbs\": [0, ");
    refused("\"packing\": \"packed\"", "\"packing\": \"slots\"");

    const auto pixels = random_pixels(images * model.input_shape.size(), 8);
    const KeySetId id{};
    std::stringstream file;
    save_upload(file, inference.client.context().ring(), plan, id, inference.client.encrypt(pixels));
    Source source(file, "upload");
    Upload upload = load_upload(source, inference.client.context(), plan);
    EncryptedTensor reply = inference.session.infer(std::get<SeededTensor>(std::move(upload)));
    std::stringstream answer;
    save_reply(answer, inference.client.context().ring(), plan, id, reply);
    Source back(answer, "reply");
    EXPECT_EQ(inference.client.decrypt(load_reply(back, inference.client.context(), plan, id)),
              inference.reference.batch_logits(pixels, 1));
}

TEST(Packed, PlansAndTensorsSurviveFiles) {
    expect_survives_files(1, 5);
}

TEST(Packed, SharedPlansAndTensorsSurviveFiles) {
    expect_survives_files(2, 7);
}

}  // namespace
}  // namespace lacuna::testing
