// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/server/key_set.h>

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <span>
#include <vector>

#include <lacuna/he/files/byte_stream.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/he/rlwe/key_match.h>
#include <lacuna/nn/client/client.h>
#include <lacuna/nn/client/tensor_file.h>
#include <lacuna/ntt/error.h>

namespace lacuna {
namespace {

/// One linear layer: nothing to relinearise, and without circuit privacy nothing to re-randomise.
Model linear_model() {
    Model model;
    model.name = "linear";
    model.input_shape = {4, 1, 1};
    model.thresholds = {128};
    model.layers.push_back({"only", Dense{{4, {{{0, 1}, {2, -3}}, {{1, 5}, {3, 1}}}}, {0, 1}}});
    return model;
}

Plan linear_plan(bool public_encryption = false) {
    PlanRequest request;
    request.packing = Packing::slots;
    request.public_encryption = public_encryption;
    return make_plan(linear_model(), request);
}

/// As `lacuna keygen` leaves it and a server finds it.
KeySetId id_of(const Client& client, const EvaluationKeys& keys) {
    const std::filesystem::path file =
        std::filesystem::temp_directory_path() / ("lacuna-keys-" + std::to_string(::getpid()));
    save_file(file, client.context().ring(), keys, Overwrite::allow);
    const KeySetId id = read_key_set_id(file);
    std::filesystem::remove(file);
    ByteStream stream;
    save(stream, client.context().ring(), keys);
    EXPECT_EQ(read_key_set_id(stream.bytes()), id);
    return id;
}

TEST(KeySet, BytesThatAreNoWholeFileHaveNoId) {
    const Client client(linear_plan().client);
    ByteStream stream;
    save(stream, client.context().ring(), client.evaluation_keys());
    const std::span<const std::uint8_t> whole = stream.bytes();
    for (const std::size_t size : {std::size_t{0}, std::size_t{39}, std::size_t{50}, whole.size() - 1}) {
        EXPECT_THROW((void)read_key_set_id(whole.first(size)), Error) << size;
    }
    std::vector<std::uint8_t> longer(whole.begin(), whole.end());
    longer.push_back(0);
    EXPECT_THROW((void)read_key_set_id(longer), Error);
    save(stream, client.context().ring(), client.public_key());
    EXPECT_THROW((void)read_key_set_id(stream.bytes()), Error);
    EXPECT_THROW((void)read_key_set_id(std::span(stream.bytes()).subspan(whole.size())), Error);
}

TEST(KeySet, EveryClientHasAnIdOfItsOwn) {
    const Plan plan = linear_plan();
    ASSERT_FALSE(plan.client.relin_keys);
    ASSERT_FALSE(plan.client.public_key);
    EXPECT_TRUE(plan.client.sends_public_key());
    std::set<KeySetId> ids;
    for (int i = 0; i < 3; ++i) {
        const Client client(plan.client);
        const EvaluationKeys keys = client.evaluation_keys();
        EXPECT_TRUE(names_a_client(keys));
        EXPECT_TRUE(matches(client.context().ring(), client.secret_key(), keys));
        ids.insert(id_of(client, keys));
        // As earlier releases left them: the same for everybody, still readable, and recognised.
        EvaluationKeys empty;
        empty.ring = keys.ring;
        EXPECT_FALSE(names_a_client(empty));
        EXPECT_NO_THROW(check_evaluation_keys(plan.client, empty, "evaluation.keys"));
    }
    EXPECT_EQ(ids.size(), 3U);
}

TEST(KeySet, HoldsThePublicKeyWhereOthersEncrypt) {
    ClientPlan plan = linear_plan(true).client;
    EXPECT_TRUE(plan.sends_public_key());
    plan.relin_keys = true;
    EXPECT_TRUE(plan.sends_public_key());
    plan.public_encryption = false;
    EXPECT_FALSE(plan.sends_public_key());
    plan.public_key = true;
    EXPECT_TRUE(plan.sends_public_key());
}

TEST(KeySet, PlansCountTheBytesOfTheirKeys) {
    const Plan plan = linear_plan();
    const Client client(plan.client);
    const double expected =
        static_cast<double>(evaluation_keys_bytes(client.context().ring(), true, false, 0));
    EXPECT_NEAR(plan.evaluation_key_bytes(), expected, 0.02 * expected);
}

TEST(KeySet, RefusesKeysOfAnotherPlan) {
    ClientPlan plan = linear_plan().client;
    const EvaluationKeys keys = Client(plan).evaluation_keys();
    const auto refusal = [&](const EvaluationKeys& found) -> std::string {
        try {
            check_evaluation_keys(plan, found, "evaluation.keys");
        } catch (const Error& error) {
            return error.what();
        }
        return "accepted";
    };
    EXPECT_EQ(refusal(keys), "accepted");
    plan.relin_keys = true;
    EXPECT_NE(refusal(keys).find("evaluation.keys: expected a relinearisation key"), std::string::npos);
    plan.relin_keys = false;
    plan.galois_elements = {3};
    EXPECT_NE(refusal(keys).find("a Galois key of element 3"), std::string::npos);
    plan.galois_elements.clear();
    plan.public_key = true;
    EXPECT_EQ(refusal(keys), "accepted");
    EvaluationKeys none = keys;
    none.public_key.reset();
    EXPECT_NE(refusal(none).find("expected a public key"), std::string::npos);
}

}  // namespace
}  // namespace lacuna
