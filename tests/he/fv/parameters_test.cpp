// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/parameters.h>

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/he/files/parameters_json.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/primes.h>
#include "tests/support/messages.h"
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

/// What resolve says about them; empty where it accepts.
std::string problems_of(const Parameters& parameters) {
    return message_of([&] { (void)resolve(parameters); });
}

TEST(Parameters, ResolvePicksTheLargestPrimesThatFitAndNoneTwice) {
    Parameters parameters;
    parameters.n = 8192;
    parameters.data_bits = {50, 50, 49};
    parameters.special_bits = {50};
    parameters.plain_bits = {20, 20};
    parameters.plain_moduli = {65537};
    const Parameters resolved = resolve(parameters);
    const std::vector<std::uint64_t> fifty = ntt_primes(8192, 50, 3);
    EXPECT_EQ(resolved.data_primes, (std::vector{fifty[0], fifty[1], ntt_primes(8192, 49, 1).front()}));
    EXPECT_EQ(resolved.special_primes, std::vector{fifty[2]});
    const std::vector<std::uint64_t> twenty = ntt_primes(8192, 20, 2);
    EXPECT_EQ(resolved.plain_moduli, (std::vector{std::uint64_t{65537}, twenty[0], twenty[1]}));
    EXPECT_TRUE(resolved.data_bits.empty());
    EXPECT_TRUE(resolved.special_bits.empty());
    EXPECT_TRUE(resolved.plain_bits.empty());
    EXPECT_EQ(resolve(resolved), resolved);
}

TEST(Parameters, AllProblemsAreListedEachWithWhatToDo) {
    Parameters parameters;
    parameters.n = 4096;
    parameters.data_bits = {50, 50, 50, 50};
    parameters.special_bits = {20};
    parameters.digit_limbs = 0;
    parameters.plain_moduli = {0, std::uint64_t{1} << 50, 12289, 12289};
    const std::string problems = problems_of(parameters);
    expect_mentions(problems,
                    {"digit_limbs: expected 1", "found 0", "2 <= t < 2^50, found 0", "found 1125899906842624",
                     "12289 occurs twice; give it once", "security: log2(QP) = 220", "n = 4096", "up to 106",
                     "use smaller or fewer primes"});

    // A digit of 100 bits over 20 special ones leaves noise of 90 bits, more than log2(Q / 2t) = 81.
    Parameters drowned;
    drowned.n = 8192;
    drowned.data_bits = {50, 50};
    drowned.special_bits = {20};
    drowned.digit_limbs = 2;
    drowned.plain_bits = {18};
    expect_mentions(problems_of(drowned),
                    {"special primes: their product has 20 bits, a key-switching digit 100",
                     "use larger or more special primes"});
    drowned.digit_limbs = 1;
    EXPECT_NO_THROW((void)resolve(drowned));

    // No special prime helps where Q itself has no room.
    Parameters narrow;
    narrow.n = 4096;
    narrow.data_bits = {26};
    narrow.special_bits = {50};
    narrow.plain_bits = {17};
    EXPECT_NO_THROW((void)resolve(narrow));

    Parameters primes;
    primes.n = 64;
    primes.data_bits = {51, 1, 50};
    primes.special_primes = {ntt_primes(64, 50, 1).front(), ntt_primes(64, 50, 1).front(), 12345, 0};
    primes.plain_moduli = {7};
    expect_mentions(problems_of(primes),
                    {"data_bits: expected sizes of 2 ... 50 bits, found 51", "found 1", "found 12345",
                     "found 0", "occurs twice; primes must differ", "the library picks them"});

    Parameters both;
    both.data_bits = {50};
    both.data_primes = {ntt_primes(8192, 50, 1).front()};
    expect_mentions(problems_of(both), {"data_bits and data_primes are both given; give one of them"});

    Parameters empty;
    empty.n = 1000;
    expect_mentions(problems_of(empty),
                    {"n: expected a power of two in 16 ... 32768, found 1000", "8192 suits"});
    empty.n = 8192;
    expect_mentions(problems_of(empty), {"there are no ciphertext primes; give at least one"});
    empty.n = 65536;
    EXPECT_NE(problems_of(empty), "");
    empty.n = 8;
    EXPECT_NE(problems_of(empty), "");

    Parameters scarce;
    scarce.n = 32768;
    scarce.data_bits = {16};
    scarce.allow_insecure = true;
    expect_mentions(problems_of(scarce), {"data_bits", "there are only 0 of 16 bits", "use another size"});

    Parameters small;
    small.n = 1024;
    small.data_bits = {26};
    small.security = 192;
    expect_mentions(problems_of(small), {"list no modulus for n = 1024 at 192 bits", "allow_insecure"});
    small.security = 100;
    expect_mentions(problems_of(small), {"security: expected 128, 192 or 256, found 100"});
}

TEST(Parameters, RefusePlainModuliThatDoNotFitQ) {
    Parameters parameters = small_parameters(64, {}, {}, {});
    const std::uint64_t q = ntt_primes(64, 30, 1).front();
    parameters.data_primes = {q};  // given by size, they would keep away from t
    parameters.plain_moduli = {q};
    expect_mentions(problems_of(parameters), {"shares a factor with a data prime"});
    parameters.plain_moduli = {3 * q};
    expect_mentions(problems_of(parameters), {"shares a factor", "leaves no room below Q"});
    parameters.plain_moduli = {q / 2 + 1};
    expect_mentions(problems_of(parameters), {"leaves no room below Q; use more data primes"});
    parameters.plain_moduli = {(q - 1) / 2};
    EXPECT_EQ(problems_of(parameters), "");
    // A zero among the data primes is a problem like any other.
    parameters.data_primes = {0};
    expect_mentions(problems_of(parameters), {"found 0"});
    const Context context(small_parameters(64, {30}, {}, {17}));
    const auto with = [&](std::uint64_t t) {
        return message_of([&] { Context(context.shared_ring(), {t}); });
    };
    expect_mentions(with(q / 2 + 1), {"leaves no room"});
    EXPECT_NE(with(0), "");
    EXPECT_NE(with(1), "");
    EXPECT_EQ(with(97), "");
    const Context wider(small_parameters(64, {30, 30}, {}, {17}));
    expect_mentions(message_of([&] { Context(wider.shared_ring(), {q}); }), {"shares a factor"});
}

TEST(Parameters, RefuseMorePrimesThanProductsTake) {
    EXPECT_EQ(problems_of(small_parameters(32768, std::vector<int>(17, 50), {50}, {65537})), "");
    expect_mentions(problems_of(small_parameters(32768, std::vector<int>(47, 30), {}, {65537})),
                    {"helper primes", "use fewer, larger ones"});
    expect_mentions(problems_of(small_parameters(64, std::vector<int>(48, 50), {50}, {257})),
                    {"expected at most 48, found 49"});
}

TEST(Parameters, JsonRoundTrips) {
    std::vector<Parameters> all(3);
    all[1].n = 4096;
    all[1].data_bits = {36, 36};
    all[1].special_bits = {34};
    all[1].digit_limbs = 2;
    all[1].plain_bits = {20, 17};
    all[1].plain_moduli = {2, (std::uint64_t{1} << 50) - 1};
    all[1].security = 256;
    all[2].data_primes = ntt_primes(8192, 50, 3);
    all[2].special_primes = ntt_primes(8192, 49, 1);
    all[2].allow_insecure = true;
    for (const Parameters& parameters : all) {
        EXPECT_EQ(parse_parameters(format_parameters(parameters), "test"), parameters);
    }
    const Parameters parsed = parse_parameters(
        R"({"n": 8192, "data_bits": [50, 50, 50], "special_bits": [50], "plain_bits": [20]})", "literal");
    EXPECT_EQ(parsed.data_bits, (std::vector<int>{50, 50, 50}));
    EXPECT_EQ(parsed.digit_limbs, 1u);
    EXPECT_EQ(parsed.security, 128);
    EXPECT_EQ(Context(parsed).plain_count(), 1u);
    EXPECT_EQ(parse_parameters("{}", "empty"), Parameters());
}

TEST(Parameters, MalformedJsonNamesSourceFieldAndWhatWasFound) {
    const auto problem = [](const std::string& json) {
        return message_of([&] { (void)parse_parameters(json, "params.json"); });
    };
    for (const char* json : {"[1]", "7", "null"}) {
        expect_mentions(problem(json), {"params.json: expected a JSON object"});
    }
    for (const char* json : {"", "{", "{\"n\": 8192", "{\"n\": 8192}}", "\xff\xfe"}) {
        expect_mentions(problem(json), {"params.json: expected JSON, found a parse error at line 1, column"});
    }
    expect_mentions(problem(R"({"rings": 1})"), {"params.json: unknown field 'rings'"});
    expect_mentions(problem(R"({"n": "8192"})"), {"params.json: n:", "found \"8192\""});
    expect_mentions(problem(R"({"n": -1})"), {"n: expected an integer 0 ... 32768, found -1"});
    expect_mentions(problem(R"({"n": 8192.5})"), {"found 8192.5"});
    expect_mentions(problem(R"({"n": 18446744073709551616})"), {"n: expected"});
    expect_mentions(problem(R"({"data_bits": 50})"), {"data_bits: expected a list"});
    expect_mentions(problem(R"({"data_bits": [50, 51]})"),
                    {"data_bits: expected integers 0 ... 50, found 51"});
    expect_mentions(problem(R"({"data_bits": [[50]]})"), {"found [50]"});
    expect_mentions(problem(R"({"plain_moduli": [1125899906842624]})"),
                    {"plain_moduli", "found 1125899906842624"});
    expect_mentions(problem(R"({"security": true})"), {"security: expected an integer"});
    expect_mentions(problem(R"({"allow_insecure": 1})"), {"allow_insecure: expected true or false, found 1"});
    std::string many = R"({"data_bits": [50)";
    for (int i = 0; i < 64; ++i) {
        many += ", 50";
    }
    expect_mentions(problem(many + "]}"), {"data_bits: expected a list of at most 64"});
}

TEST(Parameters, BinomialsAreReadWrittenAndChecked) {
    const Parameters parameters = parse_parameters(
        R"({"n": 16, "data_bits": [50], "plain_moduli": [97], "allow_insecure": true,
            "plain_polynomials": [{"power": 4, "base": 160}, {"base": -2, "power": 1}]})",
        "p.json");
    const std::vector<PlainModulus> expected = {PlainModulus::binomial(4, 160),
                                                PlainModulus::binomial(1, -2)};
    EXPECT_EQ(parameters.plain_polynomials, expected);
    EXPECT_EQ(parse_parameters(format_parameters(parameters), "again"), parameters);
    const Context context(parameters);
    ASSERT_EQ(context.plain_count(), 3U);
    EXPECT_EQ(context.plain(0).t(), 97U);
    EXPECT_EQ(to_string(context.plain(1).t()), "x^4 - 160");
    EXPECT_EQ(to_string(context.plain(2).t()), "x^1 + 2");
    EXPECT_EQ(&context.plain_for(expected[1]), &context.plain(2));
    EXPECT_THROW((void)context.plain(1).modulus(), Error);
    EXPECT_THROW((void)expected[0].value(), Error);
    EXPECT_THROW((void)PlainModulus(97).base(), Error);
    EXPECT_NEAR(expected[1].log_norm(), std::log2(std::sqrt(5.0)), 1e-12);
    EXPECT_NEAR(expected[1].log_bound(), std::log2(3.0), 1e-12);

    for (const char* wrong : {R"({"power": 0, "base": 2})", R"({"power": 4})", R"({"power": 4, "base": 1})",
                              R"({"power": 4, "base": 16777216})", R"({"power": 4, "base": -16777216})",
                              R"({"power": 4, "base": 18446744073709551615})", "7",
                              R"({"power": 4, "base": 2.5})", R"({"power": 4, "base": 4, "a": 1})"}) {
        EXPECT_NE(message_of([&] {
                      (void)parse_parameters("{\"plain_polynomials\": [" + std::string(wrong) + "]}", "p");
                  }).find("plain_polynomials"),
                  std::string::npos)
            << wrong;
    }
    const auto problem = [&](std::vector<PlainModulus> moduli) {
        Parameters tried = small_parameters(16, {50, 30}, {}, {});
        tried.plain_polynomials = std::move(moduli);
        return message_of([&] { (void)resolve(tried); });
    };
    EXPECT_NE(problem({PlainModulus::binomial(16, 3)}).find("power of two in 1 ... 8"), std::string::npos);
    EXPECT_NE(problem({PlainModulus::binomial(3, 3)}).find("power of two"), std::string::npos);
    EXPECT_NE(problem({expected[0], expected[0]}).find("occurs twice"), std::string::npos);
    EXPECT_NE(problem({PlainModulus(97)}).find("give it in plain_moduli"), std::string::npos);
    // b^(n/k) = -1 modulo the prime.
    Parameters singular = small_parameters(16, {}, {}, {});
    singular.data_primes = {97, ntt_primes(16, 50, 1).front()};
    const Modulus q(97);
    std::int64_t b = 2;
    while (q.power(static_cast<std::uint64_t>(b), 8) != 96) {
        ++b;
    }
    ASSERT_LE(4 * (b + 1), 96);
    singular.plain_polynomials = {PlainModulus::binomial(2, b)};
    EXPECT_NE(message_of([&] { (void)resolve(singular); }).find("not invertible modulo the data prime 97"),
              std::string::npos);
    EXPECT_NE(message_of([&] {
                  (void)Context(context.shared_ring(), {}, {PlainModulus::binomial(16, 3)});
              }).find("power of two"),
              std::string::npos);
}

}  // namespace
}  // namespace lacuna::testing
