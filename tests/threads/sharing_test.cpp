// SPDX-License-Identifier: Apache-2.0
//
// Several threads share one context, one set of keys and the objects that work with them. The threads are
// std::thread's and call with one thread each: the thread sanitizer sees those, while GCC's OpenMP runtime is
// not instrumented and would look like a race of its own.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include <lacuna/he/evaluation/flooding.h>
#include <lacuna/he/evaluation/sparse_product.h>
#include <lacuna/he/fv/batch_encoder.h>
#include "tests/support/inference.h"
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

constexpr std::size_t thread_count = 4;

/// Every thread at once, each with its number.
void in_parallel(const std::function<void(std::size_t)>& work) {
    std::barrier ready(static_cast<std::ptrdiff_t>(thread_count));
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < thread_count; ++i) {
        threads.emplace_back([&, i] {
            ready.arrive_and_wait();
            work(i);
        });
    }
}

Parameters parameters() {
    return small_parameters(64, {50, 50, 50}, {50}, {65537, 257}, 1);
}

/// First, so that whatever is settled once in a process is settled by several threads at once.
TEST(Threads, MakeContextsAndKeysAtOnce) {
    std::array<RingHash, thread_count> hashes{};
    std::array<bool, thread_count> decrypts{};
    in_parallel([&](std::size_t i) {
        const Scheme scheme(parameters());
        hashes[i] = scheme.context.ring().hash();
        const Plaintext plaintext = constant_plaintext(64, 257, i);
        decrypts[i] = scheme.decryptor.decrypt(scheme.encryptor.encrypt(plaintext)) == plaintext;
    });
    for (std::size_t i = 0; i < thread_count; ++i) {
        EXPECT_EQ(hashes[i], hashes[0]);
        EXPECT_TRUE(decrypts[i]);
    }
}

TEST(Threads, ShareContextKeysAndEvaluator) {
    const Scheme scheme(parameters());
    const RelinKeys relin_keys = scheme.generator.relin_keys();
    const GaloisKeys galois_keys = scheme.generator.galois_keys(std::array{1, 3}, true);
    const BatchEncoder encoder(scheme.context);
    const SparseProduct layer(64, 2, {{{0, 0, 3}, {1, 0, -2}}, {{1, 5, 1}}}, {{{7, 0}}, {}});
    const Evaluator& evaluator = scheme.evaluator;
    const std::uint64_t t = scheme.context.plain().modulus().value();
    std::mt19937_64 random(1);
    const Plaintext a = random_plaintext(64, t, random);
    const Plaintext b = random_plaintext(64, t, random);
    const Ciphertext shared_a = scheme.encryptor.encrypt(a);
    const Ciphertext shared_b = scheme.public_encryptor.encrypt(b);
    const PreparedPlaintext prepared = evaluator.prepare(b, 3);
    const PreparedPlaintext for_rotations = evaluator.prepare_for_rotations(b, 3);
    const auto decrypted = [&](const Ciphertext& ciphertext) { return scheme.decryptor.decrypt(ciphertext); };

    // Every thread does everything, each beginning elsewhere, to the same operands and to its own.
    const std::vector<std::function<bool()>> works = {
        [&] {
            return decrypted(evaluator.relinearize(evaluator.multiply(shared_a, shared_b), relin_keys)) ==
                   ring_multiply(a, b);
        },
        [&] { return decrypted(evaluator.square(shared_a, 1)) == ring_multiply(a, a); },
        [&] { return evaluator.square_unscaled(shared_a).size() == 3; },
        [&] {
            const Plaintext own = constant_plaintext(64, t, 5);
            return decrypted(evaluator.add(scheme.encryptor.encrypt(own),
                                           scheme.public_encryptor.encrypt(a))) == ring_add(own, a);
        },
        [&] {
            return decrypted(evaluator.multiply_prepared(evaluator.to_ntt(shared_a), prepared)) ==
                   ring_multiply(a, b);
        },
        [&] {
            return decrypted(evaluator.rotate_rows(shared_a, 1, galois_keys)) ==
                   ring_automorphism(a, rotation_element(64, 1));
        },
        [&] {
            const std::array<Evaluator::RotatedTerm, 2> terms = {{{1, &for_rotations}, {3, &for_rotations}}};
            return evaluator.sum_of_rotated_products(shared_a, terms, galois_keys).size() == 2;
        },
        [&] {
            const std::vector<Ciphertext> inputs = {shared_a, shared_b};
            return layer.apply(scheme.context, inputs).size() == 2;
        },
        [&] {
            return decrypted(flood(scheme.context, scheme.public_encryptor,
                                   evaluator.mod_switch_to(shared_a, 2), 60)) == a;
        },
        [&] { return encoder.encode(encoder.decode(a)) == a; },
        [&] { return scheme.generator.relin_keys().key.digits.size() == 3; },
    };
    std::array<std::size_t, thread_count> right{};
    in_parallel([&](std::size_t i) {
        for (std::size_t j = 0; j < works.size(); ++j) {
            right[i] += works[(j + i * 3) % works.size()]() ? 1 : 0;
        }
    });
    for (const std::size_t count : right) {
        EXPECT_EQ(count, works.size());
    }
}

TEST(Threads, ShareASessionAndItsContext) {
    const Model model = SmallModel(1).one_activation(2, 2, 2, 3);
    PlanRequest request;
    request.packing = Packing::slots;
    request.privacy_bits = 20;
    const Inference inference(model, request, 1);
    const auto image = SmallModel(77).images(model, 1);
    const Logits expected = inference.reference.batch_logits(image, 1);
    const Context context(inference.plan.client.parameters);
    std::array<Logits, thread_count> shared;
    std::array<Logits, thread_count> own;
    in_parallel([&](std::size_t i) {
        shared[i] = inference.client.decrypt(inference.session.infer(inference.client.encrypt(image)));
        const Client client(inference.plan.client);
        const Session session(model, inference.plan, context, client.evaluation_keys());
        own[i] = client.decrypt(session.infer(client.encrypt(image)));
    });
    for (std::size_t i = 0; i < thread_count; ++i) {
        EXPECT_EQ(shared[i], expected);
        EXPECT_EQ(own[i], expected);
    }
}

}  // namespace
}  // namespace lacuna::testing
