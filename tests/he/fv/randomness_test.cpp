// SPDX-License-Identifier: Apache-2.0
//
// Which of OpenSSL's two generators what comes from: this program's own RAND_bytes and RAND_priv_bytes take
// the place of libcrypto's, and count what is drawn.

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <vector>

#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

struct Drawn {
    std::mutex mutex;
    std::vector<Seed> outputs;
    std::vector<Seed> private_outputs;

    void clear() {
        outputs.clear();
        private_outputs.clear();
    }
};

Drawn& drawn() {
    static Drawn all;
    return all;
}

int draw(const char* generator, std::vector<Seed>& record, unsigned char* bytes, int count) {
    using Generator = int (*)(unsigned char*, int);
    const auto original = reinterpret_cast<Generator>(::dlsym(RTLD_NEXT, generator));
    const int status = original(bytes, count);
    if (count == static_cast<int>(std::tuple_size_v<Seed>)) {
        const std::lock_guard lock(drawn().mutex);
        std::copy_n(bytes, count, record.emplace_back().begin());
    }
    return status;
}

}  // namespace
}  // namespace lacuna::testing

extern "C" [[gnu::visibility("default")]] int RAND_bytes(unsigned char* bytes, int count) {
    using namespace lacuna::testing;
    return draw("RAND_bytes", drawn().outputs, bytes, count);
}

extern "C" [[gnu::visibility("default")]] int RAND_priv_bytes(unsigned char* bytes, int count) {
    using namespace lacuna::testing;
    return draw("RAND_priv_bytes", drawn().private_outputs, bytes, count);
}

namespace lacuna::testing {
namespace {

TEST(Randomness, PublishedSeedsAndSecretsHaveTheirOwnGenerators) {
    const Scheme scheme(small_parameters(64, {50, 50}, {50}, {65537}));
    drawn().clear();
    std::vector<Seed> published;

    const KeyGenerator generator(scheme.context);
    EXPECT_TRUE(drawn().outputs.empty());
    published.push_back(generator.public_key().seed);
    published.push_back(generator.relin_keys().key.seed);
    for (const auto& [element, entry] : generator.galois_keys(std::array{1, 2}, true).entries) {
        published.push_back(entry.key.seed);
    }
    const Plaintext plaintext(64, 65537);
    published.push_back(scheme.encryptor.encrypt_seeded(plaintext).seed);
    EXPECT_EQ(published.size(), 6U);
    std::vector<Seed> outputs = drawn().outputs;
    std::ranges::sort(outputs);
    std::ranges::sort(published);
    EXPECT_EQ(outputs, published);

    // The secret, an error for each of the keys' digits, and an error and a rounding for the ciphertext.
    EXPECT_GE(drawn().private_outputs.size(), 1 + 1 + 4 * 2 + 2U);
    drawn().clear();
    (void)scheme.public_encryptor.encrypt(plaintext);
    EXPECT_TRUE(drawn().outputs.empty());
    EXPECT_FALSE(drawn().private_outputs.empty());
}

}  // namespace
}  // namespace lacuna::testing
