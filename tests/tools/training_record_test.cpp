// SPDX-License-Identifier: Apache-2.0
#include "tools/training_record.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/messages.h"

namespace lacuna::testing {
namespace {

DataSet data_of(const std::string& name, DataPart part = DataPart::unknown) {
    DataSet data;
    data.name = name;
    data.part = part;
    return data;
}

const std::string mnist = R"({"command": "x", "trained_on": [{"data": "MNIST", "part": "train"}]})";

TEST(TrainingRecord, NamesDataThatWereTrainedOn) {
    for (const std::string& provenance : {mnist, std::string(R"({"command": "tools/train/run.py lola"})")}) {
        EXPECT_EQ(worth_of(provenance, data_of("mnist", DataPart::test), false).seen, Seen::no);
        EXPECT_EQ(worth_of(provenance, data_of("mnist", DataPart::test), false).note, "");
        const DataWorth trained = worth_of(provenance, data_of("mnist", DataPart::train), false);
        EXPECT_EQ(trained.seen, Seen::yes);
        expect_mentions(trained.note, {"trained on these data"});
        EXPECT_EQ(worth_of(provenance, data_of("Mnist"), false).seen, Seen::yes);
        const DataWorth other = worth_of(provenance, data_of("rows.csv"), false);
        EXPECT_EQ(other.seen, Seen::possibly);
        expect_mentions(other.note, {"--unseen"});
        EXPECT_EQ(worth_of(provenance, data_of("digits", DataPart::train), false).seen, Seen::possibly);
        EXPECT_EQ(worth_of(provenance, data_of("rows.csv"), true).seen, Seen::no);
    }
    EXPECT_EQ(
        worth_of(R"({"trained_on": [{"data": "a", "part": "test"}]})", data_of("a", DataPart::test), false)
            .seen,
        Seen::yes);
}

TEST(TrainingRecord, WhatIsNotSaidIsPossible) {
    for (const char* provenance :
         {"{}", "[]", "7", "no json", R"({"trained_on": "mnist"})", R"({"command": 7})",
          R"({"command": "tools/train/import_network.py net.onnx", "retrained_on": ["more.csv"]})"}) {
        for (const DataPart part : {DataPart::unknown, DataPart::train, DataPart::test}) {
            const DataWorth worth = worth_of(provenance, data_of("mnist", part), false);
            EXPECT_EQ(worth.seen, Seen::possibly) << provenance;
            expect_mentions(worth.note, {"does not say", "--unseen"});
        }
    }
    const std::string retrained = R"({"retrained_on": ["more.csv", "fashion", 7]})";
    EXPECT_EQ(worth_of(retrained, data_of("more.csv"), false).seen, Seen::yes);
    EXPECT_EQ(worth_of(retrained, data_of("fashion", DataPart::train), false).seen, Seen::yes);
    EXPECT_EQ(worth_of(retrained, data_of("fashion", DataPart::test), false).seen, Seen::possibly);
    EXPECT_EQ(worth_of(retrained, data_of("fashion", DataPart::test), true).seen, Seen::no);
    EXPECT_STREQ(seen_text(Seen::no), "no");
    EXPECT_STREQ(seen_text(Seen::yes), "yes");
    EXPECT_STREQ(seen_text(Seen::possibly), "possibly");
}

}  // namespace
}  // namespace lacuna::testing
