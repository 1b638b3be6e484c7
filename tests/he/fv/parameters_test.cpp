// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/parameters_json.h>
#include <lacuna/he/fv/parameters.h>

#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include <lacuna/he/fv/context.h>
#include <lacuna/he/rlwe/key_generator.h>
#include <lacuna/he/rlwe/security.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/primes.h>
#include "tests/support/scheme.h"

namespace lacuna::testing {
namespace {

std::string message_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

/// What resolve says about them; empty where it accepts.
std::string problems_of(const Parameters& parameters) {
    return message_of([&] { (void)resolve(parameters); });
}

void expect_mentions(const std::string& text, const std::vector<std::string>& parts) {
    for (const std::string& part : parts) {
        EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
    }
}

/// The 2018 standard and Bossuat et al. 2024, table 5.2, ternary secret, classical attacks.
TEST(Security, TablesAreThePublishedOnes) {
    struct Row {
        std::size_t n;
        std::array<int, 3> standard;
        std::array<int, 3> guidelines;
    };
    const std::vector<Row> rows = {
        {1024, {27, 19, 14}, {26, 0, 0}},          {2048, {54, 37, 29}, {53, 36, 27}},
        {4096, {109, 75, 58}, {106, 73, 56}},      {8192, {218, 152, 118}, {214, 147, 114}},
        {16384, {438, 305, 237}, {430, 297, 230}}, {32768, {881, 611, 476}, {868, 597, 462}},
    };
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < 3; ++i) {
            const int security = 128 + 64 * static_cast<int>(i);
            EXPECT_EQ(max_log_qp(row.n, security), row.guidelines[i]) << row.n << ", " << security;
            EXPECT_EQ(max_log_qp(row.n, security, SecurityTable::guidelines_2024), row.guidelines[i]);
            EXPECT_EQ(max_log_qp(row.n, security, SecurityTable::standard_2018), row.standard[i]);
        }
        EXPECT_EQ(max_log_qp(row.n, 100), 0);
    }
    EXPECT_EQ(max_log_qp(512, 128), 0);
    EXPECT_EQ(max_log_qp(3000, 128), 0);
    EXPECT_EQ(max_log_qp(8192, 129), 0);
}

TEST(Security, DecidesToTheBit) {
    for (const auto& [security, data, special, fits] :
         {std::tuple<int, std::vector<int>, std::vector<int>, bool>{128, {50, 50, 50}, {50}, true},
          {128, {50, 50, 50, 14 + 17}, {32}, true},  // 213
          {128, {50, 50, 50, 32}, {32}, true},       // 214
          {128, {50, 50, 50, 33}, {32}, false},
          {192, {50, 50}, {47}, true},
          {192, {50, 50}, {48}, false},
          {256, {40, 37}, {37}, true},
          {256, {40, 38}, {37}, false}}) {
        Parameters parameters;
        parameters.n = 8192;
        parameters.data_bits = data;
        parameters.special_bits = special;
        parameters.security = security;
        const std::string problems = problems_of(parameters);
        EXPECT_EQ(problems.empty(), fits) << problems;
        parameters.allow_insecure = true;
        EXPECT_EQ(problems_of(parameters), "");
    }
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

TEST(Ring, HashLeavesOutPlainModuliAndNothingElse) {
    const auto hash = [](const Parameters& parameters) { return Context(parameters).ring().hash(); };
    const Parameters base = small_parameters(64, {33, 30}, {50}, {257});
    Parameters other = base;
    other.plain_moduli = {12289, 2};
    EXPECT_EQ(hash(base), hash(other));
    EXPECT_EQ(hash(base), hash(resolve(base)));
    other = base;
    other.n = 128;
    EXPECT_NE(hash(base), hash(other));
    other = base;
    other.data_bits = {30, 33};
    EXPECT_NE(hash(base), hash(other));
    other = base;
    other.special_bits = {49};
    EXPECT_NE(hash(base), hash(other));
    other = base;
    other.digit_limbs = 2;
    EXPECT_NE(hash(base), hash(other));
    // The same primes, dealt out in another way.
    Parameters moved = resolve(base);
    moved.data_primes.push_back(moved.special_primes.front());
    moved.special_primes.clear();
    EXPECT_NE(hash(base), hash(moved));
    EXPECT_EQ(hash(base), Ring(base).hash());  // a Ring resolves by itself
}

/// Whoever makes a Ring by hand passes the same checks as a Context does.
TEST(Ring, ValidatesItsParameters) {
    Parameters parameters;
    parameters.n = 1024;
    parameters.data_bits = {50, 50};
    EXPECT_THROW((void)Ring(parameters), Error);
    EXPECT_THROW((void)Ring(resolve(parameters)), Error);
    parameters.allow_insecure = true;
    const Parameters resolved = resolve(parameters);
    EXPECT_EQ(Ring(parameters).hash(), Ring(resolved).hash());
    Parameters insecure = resolved;
    insecure.allow_insecure = false;
    EXPECT_THROW((void)Ring(insecure), Error);
    Parameters twice = resolved;
    twice.data_primes[1] = twice.data_primes[0];
    EXPECT_THROW((void)Ring(twice), Error);
    Parameters composite = resolved;
    composite.data_primes[1] -= 2 * composite.n;
    EXPECT_THROW((void)Ring(composite), Error);
}

TEST(Keys, RefuseForeignRings) {
    const Scheme scheme(small_parameters(64, {50, 50}, {50}, {257}));
    // Same shape, other primes; and another degree, where using the keys would read out of bounds.
    for (const Parameters& parameters :
         {small_parameters(64, {50, 49}, {50}, {257}), small_parameters(128, {50, 50}, {50}, {257})}) {
        const Scheme other(parameters);
        EXPECT_THROW(Encryptor(other.context, scheme.public_key), Error);
        EXPECT_THROW(Encryptor(other.context, scheme.generator.secret_key()), Error);
        EXPECT_THROW(Decryptor(other.context, scheme.generator.secret_key()), Error);
        EXPECT_THROW(KeyGenerator(other.context.shared_ring(), scheme.generator.secret_key()), Error);
        const RelinKeys relin = other.generator.relin_keys();
        const GaloisKeys galois = other.generator.galois_keys(std::vector<int>{1}, true);
        const Ciphertext x = scheme.encryptor.encrypt(constant_plaintext(64, 257, 3));
        const Evaluator& evaluator = scheme.evaluator;
        EXPECT_THROW((void)evaluator.relinearize(evaluator.square(x), relin), Error);
        EXPECT_THROW((void)evaluator.rotate_rows(x, 1, galois), Error);
        EXPECT_THROW((void)evaluator.rotate_columns(x, galois), Error);
        const PreparedPlaintext prepared = evaluator.prepare_for_rotations(constant_plaintext(64, 257, 3), 2);
        const std::vector<Evaluator::RotatedTerm> terms = {{1, &prepared}};
        EXPECT_THROW((void)evaluator.sum_of_rotated_products(x, terms, galois), Error);
        const Ciphertext foreign = other.encryptor.encrypt(constant_plaintext(other.context.n(), 257, 3));
        EXPECT_THROW((void)evaluator.negate(foreign), Error);
        EXPECT_THROW((void)scheme.decryptor.decrypt(foreign), Error);
        EXPECT_THROW((void)scheme.decryptor.noise_budget(foreign), Error);
        EXPECT_THROW((void)expand(other.context.ring(),
                                  scheme.encryptor.encrypt_seeded(constant_plaintext(64, 257, 1))),
                     Error);
    }
}

TEST(Keys, PreparedPlaintextsOfAnotherDegreeAreRefused) {
    const Scheme scheme(small_parameters(128, {50, 50}, {50}, {257}));
    const Scheme smaller(small_parameters(64, {50, 50}, {50}, {257}));
    const PreparedPlaintext prepared = smaller.evaluator.prepare(constant_plaintext(64, 257, 3), 2);
    const Ciphertext x = scheme.encryptor.encrypt(constant_plaintext(128, 257, 3));
    EXPECT_THROW((void)scheme.evaluator.multiply_prepared(scheme.evaluator.to_ntt(x), prepared), Error);
    const GaloisKeys galois = scheme.generator.galois_keys(std::vector<int>{1});
    const PreparedPlaintext short_one =
        smaller.evaluator.prepare_for_rotations(constant_plaintext(64, 257, 3), 2);
    const std::vector<Evaluator::RotatedTerm> terms = {{0, &short_one}};
    EXPECT_THROW((void)scheme.evaluator.sum_of_rotated_products(x, terms, galois), Error);
}

TEST(Keys, MissingOnesAndMissingSpecialPrimesAreNamed) {
    const Scheme scheme(small_parameters(64, {50}, {}, {257}));
    expect_mentions(message_of([&] { (void)scheme.generator.relin_keys(); }), {"add special_bits"});
    expect_mentions(message_of([&] { (void)scheme.generator.galois_keys(std::vector<int>{1}); }),
                    {"add special_bits"});
    const Scheme with(small_parameters(64, {50}, {50}, {257}));
    const GaloisKeys keys = with.generator.galois_keys(std::vector<int>{1, 1, 0});
    EXPECT_EQ(keys.entries.size(), 1u);  // a step of 0 needs none
    expect_mentions(message_of([&] { (void)keys.at(rotation_element(64, 2)); }), {"element 9", "is missing"});
    EXPECT_THROW((void)rotation_element(64, 32), Error);
    EXPECT_THROW((void)rotation_element(64, -32), Error);
    EXPECT_EQ(rotation_element(64, -1) * 3 % 128, 1u);
}

TEST(Keys, SeededPartsExpandToWhatWasGenerated) {
    const Scheme scheme(small_parameters(64, {50, 45, 40}, {50, 49}, {257}, 2));
    PublicKey public_key = scheme.public_key;
    const RnsPolynomial a = public_key.a;
    public_key.a = RnsPolynomial();
    expand(scheme.context.ring(), public_key);
    EXPECT_EQ(public_key.a, a);
    RelinKeys relin = scheme.generator.relin_keys(2);
    ASSERT_EQ(relin.key.digits.size(), 2u);
    std::vector<RnsPolynomial> parts;
    for (KeySwitchKey::Digit& digit : relin.key.digits) {
        parts.push_back(std::move(digit.a));
    }
    EXPECT_NE(parts[0], parts[1]);
    expand(scheme.context.ring(), relin.key);
    EXPECT_EQ(relin.key.digits[0].a, parts[0]);
    EXPECT_EQ(relin.key.digits[1].a, parts[1]);
}

TEST(Keys, NothingIsDrawnTwice) {
    const Scheme scheme(small_parameters(64, {50, 50}, {50}, {257, 97}));
    const Scheme again(small_parameters(64, {50, 50}, {50}, {257, 97}));
    EXPECT_NE(scheme.generator.secret_key().s, again.generator.secret_key().s);
    EXPECT_NE(scheme.public_key.seed, scheme.generator.public_key().seed);
    EXPECT_NE(scheme.generator.relin_keys().key.seed, scheme.generator.relin_keys().key.seed);
    // One message modulo two t: neither seed nor error is shared.
    const SeededCiphertext first = scheme.encryptor.encrypt_seeded(Plaintext(64, 257));
    const SeededCiphertext second = scheme.encryptor.encrypt_seeded(Plaintext(64, 97));
    EXPECT_NE(first.seed, second.seed);
    EXPECT_NE(first.c0, second.c0);
    EXPECT_NE(scheme.public_encryptor.encrypt(Plaintext(64, 257)).parts[1],
              scheme.public_encryptor.encrypt(Plaintext(64, 257)).parts[1]);
}

TEST(Keys, PublicEncryptionsOfZeroRerandomiseAtEveryLevel) {
    const Scheme scheme(small_parameters(64, {50, 45, 40}, {50}, {257}));
    const Plaintext message = constant_plaintext(64, 257, 128);
    for (std::size_t limbs = 3; limbs >= 1; --limbs) {
        const Ciphertext x = scheme.evaluator.mod_switch_to(scheme.encryptor.encrypt(message), limbs);
        const Ciphertext zero = scheme.public_encryptor.encrypt_zero(257, limbs);
        EXPECT_EQ(scheme.decryptor.decrypt(zero), Plaintext(64, 257));
        EXPECT_EQ(scheme.decryptor.decrypt(scheme.evaluator.add(x, zero)), message);
    }
    EXPECT_THROW((void)scheme.public_encryptor.encrypt_zero(257, 4), Error);
    EXPECT_THROW((void)scheme.public_encryptor.encrypt_zero(97, 1), Error);
    EXPECT_THROW((void)scheme.encryptor.encrypt_zero(257, 1), Error);
    EXPECT_THROW((void)scheme.public_encryptor.encrypt_seeded(message), Error);
    Plaintext broken = message;
    broken[5] = 257;
    EXPECT_THROW((void)scheme.encryptor.encrypt(broken), Error);
    EXPECT_THROW((void)scheme.public_encryptor.encrypt(Plaintext(32, 257)), Error);
    EXPECT_THROW((void)scheme.public_encryptor.encrypt(Plaintext(64, 97)), Error);
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
