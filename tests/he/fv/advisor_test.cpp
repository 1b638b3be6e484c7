// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/advisor.h>

#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include <lacuna/he/fv/noise.h>
#include <lacuna/he/rlwe/security.h>
#include <lacuna/ntt/error.h>
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

std::string refusal_of(const Requirements& requirements) {
    try {
        (void)advise(requirements);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

/// Runs the promised circuit on extreme messages: public-key encryption, `depth` times a sum of weight fan_in
/// and a product with relinearisation, a last sum. Constant polynomials, so that the oracle is one number
/// modulo t.
void expect_decrypts(const Requirements& requirements, const Parameters& parameters) {
    const Scheme scheme(parameters);
    const std::uint64_t t = scheme.context.plain().modulus().value();
    const Modulus modulus(t);
    const auto fan_in = static_cast<std::int64_t>(requirements.fan_in);
    RelinKeys relin;
    if (requirements.depth > 0) {
        relin = scheme.generator.relin_keys(2);
    }
    for (const std::uint64_t m : {t / 2, t - 1, std::uint64_t{3} % t}) {
        Plaintext plaintext(scheme.context.n(), t);
        plaintext[0] = m;
        Ciphertext x = scheme.public_encryptor.encrypt(plaintext);
        std::uint64_t expected = m;
        // The monomial product would take the weight modulo t: add up instead.
        const auto sum = [&](const Ciphertext& a) {
            Ciphertext total = a;
            for (std::int64_t i = 1; i < fan_in; ++i) {
                total = scheme.evaluator.add(total, a);
            }
            return total;
        };
        for (int d = 0; d < requirements.depth; ++d) {
            x = sum(x);
            expected = modulus.multiply(expected, modulus.reduce_signed(fan_in));
            x = scheme.evaluator.relinearize(scheme.evaluator.square(x), relin);
            expected = modulus.multiply(expected, expected);
        }
        x = sum(x);
        expected = modulus.multiply(expected, modulus.reduce_signed(fan_in));
        plaintext[0] = expected;
        EXPECT_EQ(scheme.decryptor.decrypt(x), plaintext);
        EXPECT_GT(scheme.decryptor.noise_budget(x), 0.5);
    }
}

TEST(Advisor, AdviceIsAcceptedSecureAndDecryptsThePromisedCircuit) {
    for (const Requirements& requirements :
         {Requirements{0, 17, true, 1, 128}, Requirements{0, 2, false, 1, 128},
          Requirements{0, 50, false, 1, 128}, Requirements{1, 20, true, 1, 128},
          Requirements{1, 20, true, 64, 192}, Requirements{1, 30, false, 7, 256},
          Requirements{2, 20, true, 1, 128}, Requirements{2, 26, true, 32, 128},
          Requirements{3, 18, true, 3, 128}, Requirements{0, 2, false, 1, 192},
          Requirements{5, 17, true, 2, 128}}) {
        SCOPED_TRACE("depth " + std::to_string(requirements.depth) + ", t of " +
                     std::to_string(requirements.plain_bits) + " bits, fan-in " +
                     std::to_string(requirements.fan_in));
        const Parameters parameters = advise(requirements);
        EXPECT_FALSE(parameters.allow_insecure);
        EXPECT_EQ(parameters.security, requirements.security);
        EXPECT_EQ(resolve(parameters), parameters);
        const Context context(parameters);
        EXPECT_LE(context.ring().log_q(context.ring().max_limbs()) + context.ring().log_p(),
                  max_log_qp(parameters.n, requirements.security));
        EXPECT_EQ(context.plain().modulus().bits(), requirements.plain_bits);
        EXPECT_EQ(context.plain().batching(), requirements.batching);
        EXPECT_EQ(requirements.depth > 0, context.ring().special().size() > 0);
        expect_decrypts(requirements, parameters);
    }
}

TEST(Advisor, TakesTheSmallestRing) {
    EXPECT_EQ(advise({0, 14, false, 1, 128}).n, 1024u);
    EXPECT_EQ(advise({2, 20, true, 1, 128}).n, 8192u);
    std::size_t last = 0;
    for (int depth = 0; depth <= 8; ++depth) {
        const Parameters parameters = advise({depth, 20, true, 1, 128});
        EXPECT_GE(parameters.n, last);
        last = parameters.n;
    }
}

TEST(Advisor, SaysWhatIsOutOfReachAndWhatToChange) {
    const std::string deep = refusal_of({40, 40, true, 1, 128});
    EXPECT_NE(deep.find("depth 40"), std::string::npos) << deep;
    EXPECT_NE(deep.find("does not fit n = 32768 at 128 bits"), std::string::npos) << deep;
    EXPECT_NE(deep.find("use a smaller plaintext modulus"), std::string::npos) << deep;
    EXPECT_NE(refusal_of({std::numeric_limits<int>::max(), 20, true, 1, 128}).find("does not fit"),
              std::string::npos);
    const std::string narrow = refusal_of({1, 10, true, 1, 128});
    EXPECT_NE(narrow.find("batching needs a plaintext prime"), std::string::npos) << narrow;
    EXPECT_NE(narrow.find("ask for more bits or for no batching"), std::string::npos) << narrow;
    EXPECT_NE(refusal_of({1, 20, true, 1, 100}).find("expected 128, 192 or 256"), std::string::npos);
    for (const Requirements& bad :
         {Requirements{-1, 20, true, 1, 128}, Requirements{1, 1, false, 1, 128},
          Requirements{1, 51, false, 1, 128}, Requirements{1, 20, true, 0.5, 128},
          Requirements{1, 20, true, std::nan(""), 128},
          Requirements{1, 20, true, std::numeric_limits<double>::infinity(), 128}}) {
        EXPECT_NE(refusal_of(bad).find("advisor: expected a depth of at least 0"), std::string::npos)
            << refusal_of(bad);
    }
    EXPECT_NE(refusal_of({1, 20, true, 1e300, 128}).find("does not fit"), std::string::npos);
}

TEST(EvenChain, SharesBitsOutEvenly) {
    for (int total = 1; total <= 900; ++total) {
        const std::vector<int> bits = even_chain(total);
        EXPECT_EQ(std::accumulate(bits.begin(), bits.end(), 0), total);
        EXPECT_LE(bits.front(), 50);
        EXPECT_LE(bits.front() - bits.back(), 1);
        EXPECT_EQ(bits.size(), static_cast<std::size_t>((total + 49) / 50));
    }
    EXPECT_THROW((void)even_chain(0), Error);
    EXPECT_THROW((void)even_chain(-7), Error);
}

}  // namespace
}  // namespace lacuna::testing
