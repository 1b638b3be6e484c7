// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/evaluation/evaluator.h>
#include <lacuna/he/fv/batch_encoder.h>
#include <lacuna/he/fv/binomial_encoder.h>
#include <lacuna/he/fv/coefficient_encoder.h>
#include <lacuna/he/fv/decryptor.h>
#include <lacuna/he/fv/encryptor.h>
#include <lacuna/he/fv/radix_encoder.h>
#include <lacuna/he/rlwe/key_generator.h>
#include <lacuna/ntt/error.h>

#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

Parameters parameters() {
    Parameters small = small_parameters(64, {40, 40}, {40}, {257});
    small.plain_polynomials = {PlainModulus::binomial(1, 2)};
    return small;
}

/// Everything that works with a context or a key, made from temporaries alone.
struct Orphans {
    std::optional<Encryptor> by_public_key;
    std::optional<Encryptor> by_secret_key;
    std::optional<Decryptor> decryptor;
    std::optional<Evaluator> evaluator;
    std::optional<BatchEncoder> batch;
    std::optional<CoefficientEncoder> coefficients;
    std::optional<RadixEncoder> radix;
    std::optional<BinomialEncoder> binomial;
};

Orphans orphans() {
    Orphans result;
    const auto context = std::make_unique<const Context>(parameters());
    const auto keys = std::make_unique<const KeyGenerator>(*context);
    result.by_public_key.emplace(*context, keys->public_key());
    result.by_secret_key.emplace(*context, keys->secret_key());
    result.decryptor.emplace(*context, keys->secret_key());
    result.evaluator.emplace(*context);
    result.batch.emplace(*context);
    result.coefficients.emplace(*context);
    result.radix.emplace(*context);
    result.binomial.emplace(*context, 1);
    return result;
}

TEST(Ownership, ContextAndKeysMayGoBeforeWhatWorksWithThem) {
    const Orphans it = orphans();
    const std::vector<std::int64_t> values = {1, -2, 3};
    for (const Encryptor* encryptor : {&*it.by_public_key, &*it.by_secret_key}) {
        const Ciphertext x = encryptor->encrypt(it.batch->encode(values));
        const Ciphertext square = it.evaluator->square(x);
        const std::vector<std::int64_t> slots = it.batch->decode(it.decryptor->decrypt(square));
        EXPECT_EQ(slots[0], 1);
        EXPECT_EQ(slots[1], 4);
        EXPECT_EQ(slots[2], 9);
        EXPECT_EQ(it.coefficients->decode(
                      it.decryptor->decrypt(encryptor->encrypt(it.coefficients->encode(values))))[1],
                  -2);
        EXPECT_EQ(it.radix->decode(it.decryptor->decrypt(encryptor->encrypt(it.radix->encode(-5)))), -5);
        EXPECT_EQ(it.binomial->decode_words(it.decryptor->decrypt(
                      encryptor->encrypt(it.binomial->encode(std::vector<std::int64_t>{1}))))[0],
                  1);
    }
}

TEST(Ownership, CopiesShareTheirTablesAndKeys) {
    const Context context(parameters());
    const Context copy = context;
    EXPECT_EQ(&copy.ring(), &context.ring());
    EXPECT_EQ(&copy.plain(0), &context.plain(0));
    const KeyGenerator keys(context);
    const Decryptor decryptor(context, keys.shared_secret_key());
    EXPECT_EQ(keys.shared_secret_key().use_count(), 2);
}

TEST(Ownership, RefusesKeysThatAreNotThere) {
    const Context context(parameters());
    EXPECT_THROW(Encryptor(context, std::shared_ptr<const PublicKey>()), Error);
    EXPECT_THROW(Encryptor(context, std::shared_ptr<const SecretKey>()), Error);
    EXPECT_THROW(Decryptor(context, std::shared_ptr<const SecretKey>()), Error);
}

}  // namespace
}  // namespace lacuna::testing
