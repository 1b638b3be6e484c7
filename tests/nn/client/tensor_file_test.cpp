// SPDX-License-Identifier: Apache-2.0
//
// What client and server send each other, in memory: it comes back, and what belongs elsewhere is refused by
// name.
#include <lacuna/nn/client/tensor_file.h>

#include <sstream>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/files/serialize.h>
#include "tests/support/messages.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/small_network.h"

namespace lacuna::testing {
namespace {

KeySetId key_set(std::uint8_t number) {
    KeySetId id{};
    id.fill(number);
    return id;
}

class TensorFileTest : public SmallNetwork {
  protected:
    [[nodiscard]] std::string saved(const Upload& upload, const RunControl& control = {}) const {
        std::ostringstream stream;
        save_upload(stream, context.ring(), plan, key_set(7), upload, control);
        return stream.str();
    }
    [[nodiscard]] std::string saved_reply(const EncryptedTensor& reply) const {
        std::ostringstream stream;
        save_reply(stream, context.ring(), plan, key_set(7), reply);
        return stream.str();
    }
    template <typename Load>
    static auto loaded(const std::string& bytes, const Load& load) {
        std::istringstream stream(bytes);
        Source source(stream, "request.lct");
        return load(source);
    }

    const ClientPlan& plan = inference_.plan.client;
    const Context& context = inference_.client.context();
    const std::vector<std::uint8_t> image = random_.images(model_, 1);
    const SeededTensor request = inference_.client.encrypt(image);
};

INSTANTIATE_TEST_SUITE_P(Packings, TensorFileTest, ::testing::ValuesIn(all_packings), packing_param_name);

TEST_P(TensorFileTest, UploadsAndRepliesComeBack) {
    const std::string bytes = saved(request);
    const UploadHead head = loaded(bytes, [](Source& source) { return read_upload_head(source); });
    EXPECT_EQ(head.plan, plan);
    EXPECT_EQ(head.keys, key_set(7));
    EXPECT_EQ(head.images, 1U);
    Upload upload = loaded(bytes, [&](Source& source) { return load_upload(source, context, plan); });
    ASSERT_TRUE(std::holds_alternative<SeededTensor>(upload));
    EXPECT_EQ(std::get<SeededTensor>(upload).layout, request.layout);
    EXPECT_EQ(std::get<SeededTensor>(upload).residues, request.residues);

    const EncryptedTensor reply = inference_.session.infer(std::get<SeededTensor>(std::move(upload)));
    const std::string reply_bytes = saved_reply(reply);
    const auto any = loaded(reply_bytes, [](Source& source) { return read_tensor_head(source); });
    ASSERT_TRUE(std::holds_alternative<ReplyHead>(any));
    EXPECT_EQ(std::get<ReplyHead>(any).plan, plan_id(plan));
    const EncryptedTensor found =
        loaded(reply_bytes, [&](Source& source) { return load_reply(source, context, plan, key_set(7)); });
    EXPECT_EQ(inference_.client.decrypt(found), inference_.reference.batch_logits(image, 1));
    EXPECT_TRUE(std::holds_alternative<UploadHead>(
        loaded(bytes, [](Source& source) { return read_tensor_head(source); })));
}

TEST_P(TensorFileTest, RefusesWhatBelongsElsewhere) {
    const std::string bytes = saved(request);
    const std::string reply_bytes = saved_reply(inference_.session.infer(request));
    const auto reply_problem = [&](const std::string& text, const ClientPlan& expected,
                                   const KeySetId& keys) {
        return message_of([&] {
            (void)loaded(text, [&](Source& source) { return load_reply(source, context, expected, keys); });
        });
    };
    EXPECT_EQ(reply_problem(reply_bytes, plan, key_set(7)), "");
    expect_mentions(reply_problem(reply_bytes, plan, key_set(8)),
                    {"request.lct: expected a reply for key set 0808", "found one for 0707"});
    ClientPlan other = plan;
    other.model = "another";
    EXPECT_NE(plan_id(other), plan_id(plan));
    expect_mentions(reply_problem(reply_bytes, other, key_set(7)),
                    {"expected a reply for plan " + plan_id(other), "found one for " + plan_id(plan)});
    expect_mentions(reply_problem(bytes, plan, key_set(7)), {"a reply"});
    const auto upload_problem = [&](const std::string& text, const ClientPlan& expected) {
        return message_of([&] {
            (void)loaded(text, [&](Source& source) { return load_upload(source, context, expected); });
        });
    };
    expect_mentions(upload_problem(bytes, other), {"expected an upload for plan", "encrypt for this plan"});
    expect_mentions(upload_problem(reply_bytes, plan), {"an upload"});
    SeededTensor fewer = request;
    fewer.residues[0].pop_back();
    EXPECT_THROW((void)saved(fewer), Error);
}

TEST_P(TensorFileTest, RefusesCutFiles) {
    const std::string bytes = saved(request);
    for (std::size_t size = 0; size < bytes.size(); size = size * 2 + 1) {
        EXPECT_THROW((void)loaded(bytes.substr(0, size),
                                  [&](Source& source) { return load_upload(source, context, plan); }),
                     Error)
            << size;
    }
    EXPECT_THROW(
        (void)loaded(bytes + "x", [&](Source& source) { return load_upload(source, context, plan); }), Error);
}

TEST_P(TensorFileTest, StopsWhenAsked) {
    std::stop_source stop;
    RunControl control;
    control.stop = stop.get_token();
    const std::string bytes = saved(request, control);
    stop.request_stop();
    EXPECT_THROW((void)saved(request, control), Stopped);
    EXPECT_THROW(
        (void)loaded(bytes, [&](Source& source) { return load_upload(source, context, plan, control); }),
        Stopped);
}

TEST_P(TensorFileTest, KeySetsAreNamedByTheirFile) {
    const ScratchFolder folder;
    const Ring& ring = context.ring();
    const EvaluationKeys keys = inference_.client.evaluation_keys();
    save_file(folder / "a.keys", ring, keys, Overwrite::refuse);
    save_file(folder / "b.keys", ring, keys, Overwrite::refuse);
    save_file(folder / "c.keys", ring, inference_.client.evaluation_keys(), Overwrite::refuse);
    const KeySetId id = read_key_set_id(folder / "a.keys");
    EXPECT_EQ(read_key_set_id(folder / "b.keys"), id);
    EXPECT_NE(read_key_set_id(folder / "c.keys"), id);
    save_file(folder / "secret.key", ring, inference_.client.secret_key(), Overwrite::refuse);
    EXPECT_THROW((void)read_key_set_id(folder / "secret.key"), Error);
    EXPECT_THROW((void)read_key_set_id(folder / "none"), Error);
}

}  // namespace
}  // namespace lacuna::testing
