// SPDX-License-Identifier: Apache-2.0
#include "tools/service/key_store.h"

#include <chrono>
#include <filesystem>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/files/protected_key.h>
#include <lacuna/he/files/record.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/nn/plan/plan.h>
#include "tests/tools/service/running_server.h"
#include "tools/service/key_cache.h"
#include "tools/service/request_error.h"

namespace lacuna::service {
namespace {

using testing::SmallClient;
using testing::TemporaryFolder;
namespace fs = std::filesystem;

const ClientPlan& small_plan() {
    static const ClientPlan plan = make_plan(test::small_model(), {}).client;
    return plan;
}

const SmallClient& anna() {
    static const SmallClient client(small_plan());
    return client;
}

std::size_t files_in(const fs::path& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

fs::path file_of(const fs::path& folder, const KeySetId& id) {
    return folder / (format_hash(id) + ".keys");
}

std::pair<int, std::string> refusal(const KeySetId& id, std::span<const std::uint8_t> record) {
    try {
        (void)parse_keys(id, record, anna().client.context().ring());
    } catch (const RequestError& problem) {
        return {problem.status(), problem.code()};
    }
    return {200, ""};
}

TEST(KeyStore, KeepsWhatItIsGiven) {
    const TemporaryFolder folder;
    {
        KeyStore store(folder / "keys", 1 << 24);
        EXPECT_FALSE(store.touch(anna().id));
        EXPECT_THROW((void)store.load(anna().id, anna().client.context().ring()), RequestError);
        store.put(anna().id, anna().record);
        store.put(anna().id, anna().record);
        EXPECT_EQ(store.content().key_sets, 1U);
        EXPECT_EQ(store.content().bytes, anna().record.size());
    }
    const KeyStore again(folder / "keys", 1 << 24);
    EXPECT_EQ(again.size(anna().id), anna().record.size());
    const EvaluationKeys keys = again.load(anna().id, anna().client.context().ring());
    std::ostringstream stream;
    save(stream, anna().client.context().ring(), keys);
    EXPECT_EQ(stream.str(), testing::as_text(anna().record));
    EXPECT_EQ(fs::status(file_of(folder / "keys", anna().id)).permissions(),
              fs::perms::owner_read | fs::perms::owner_write);
}

TEST(KeyStore, MakesRoomByRemovingWhatWasUsedLongestAgo) {
    const TemporaryFolder folder;
    const std::vector<std::uint8_t> record(100);
    KeyStore store(folder / "keys", 250);
    constexpr KeySetId first = {1};
    constexpr KeySetId second = {2};
    constexpr KeySetId third = {3};
    store.put(first, record);
    store.put(second, record);
    const auto age = [&](const KeySetId& id, int hours) {
        const fs::path file = file_of(folder / "keys", id);
        fs::last_write_time(file, fs::last_write_time(file) - std::chrono::hours(hours));
    };
    age(first, 2);
    age(second, 1);
    EXPECT_TRUE(store.touch(first));
    store.put(third, record);
    EXPECT_TRUE(store.touch(first));
    EXPECT_FALSE(store.touch(second));
    EXPECT_TRUE(store.touch(third));
    EXPECT_THROW(store.put({4}, std::vector<std::uint8_t>(251)), RequestError);
    EXPECT_EQ(store.content().bytes, 200U);
}

TEST(KeyStore, RemovesWhatAKilledServerLeftAndNothingElse) {
    const TemporaryFolder folder;
    const std::string hash = format_hash(anna().id);
    testing::write_text(folder / ("." + hash + ".keys.123.tmp"), "half of it");
    testing::write_text(folder / ".notes.123.tmp", "somebody's");
    testing::write_text(folder / "notes.keys", "somebody's");
    const KeyStore store(folder.path(), 1 << 20);
    EXPECT_EQ(files_in(folder.path()), 2U);
    EXPECT_EQ(store.content().key_sets, 0U);
}

TEST(KeyStore, RefusesSecretKeys) {
    std::ostringstream stream;
    save(stream, anna().client.context().ring(), anna().client.secret_key());
    const std::string text = stream.str();
    const std::vector<std::uint8_t> secret(text.begin(), text.end());
    EXPECT_EQ(refusal(testing::claimed_name(secret), secret),
              (std::pair<int, std::string>(400, "secret_key")));
    EXPECT_THROW((void)ring_of_keys(secret), RequestError);
    std::ostringstream locked;
    save_protected(locked, anna().client.context().ring(), anna().client.secret_key(),
                   Passphrase("a passphrase"));
    const std::string protected_text = locked.str();
    const std::vector<std::uint8_t> under_passphrase(protected_text.begin(), protected_text.end());
    EXPECT_EQ(refusal(testing::claimed_name(under_passphrase), under_passphrase).second, "secret_key");
    refuse_secrets(anna().record);  // these are none
    refuse_secrets({});
}

TEST(KeyStore, RefusesWhatIsNoWholeKeySetOfThatName) {
    EXPECT_EQ(refusal(anna().id, anna().record).first, 200);
    EXPECT_EQ(refusal({1}, anna().record).second, "keys_damaged");
    EXPECT_EQ(refusal(anna().id, {}).second, "keys_damaged");
    std::vector<std::uint8_t> changed = anna().record;
    changed[changed.size() / 2] ^= 1;
    EXPECT_EQ(refusal(anna().id, changed).second, "keys_damaged");
    std::vector<std::uint8_t> twice = anna().record;
    twice.insert(twice.end(), anna().record.begin(), anna().record.end());
    EXPECT_EQ(refusal(anna().id, twice).second, "keys_damaged");
    const std::vector<std::uint8_t> half(anna().record.begin(),
                                         anna().record.begin() + static_cast<long>(anna().record.size() / 2));
    EXPECT_EQ(refusal(testing::claimed_name(half), half).second, "keys_damaged");
}

TEST(KeyCache, KeepsWhatWasUsedLastWithinItsLimit) {
    const EvaluationKeys keys = anna().client.evaluation_keys();
    const std::uint64_t bytes = memory_bytes(keys);
    ASSERT_GT(bytes, 0U);
    KeyCache cache(2 * bytes + bytes / 2);
    int loads = 0;
    const auto use = [&](std::uint8_t name) {
        (void)cache.get({name}, [&] {
            ++loads;
            return keys;
        });
    };
    use(1);
    use(2);
    use(1);
    EXPECT_EQ(loads, 2);
    use(3);  // in the place of 2
    use(1);
    EXPECT_EQ(loads, 3);
    EXPECT_EQ(cache.bytes(), 2 * bytes);
    use(2);
    EXPECT_EQ(loads, 4);
    KeyCache none(bytes - 1);
    EXPECT_NE(none.get({1}, [&] { return keys; }), nullptr);
    EXPECT_EQ(none.bytes(), 0U);
}

}  // namespace
}  // namespace lacuna::service
