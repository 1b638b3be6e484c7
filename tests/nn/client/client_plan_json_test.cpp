// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/client/client_plan.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <lacuna/nn/client/client.h>
#include <lacuna/nn/plan/plan.h>
#include <lacuna/ntt/error.h>
#include "tests/support/inference.h"

namespace lacuna {
namespace {

using nlohmann::json;

ClientPlan plan_of(Packing packing, int privacy_bits) {
    return make_plan(testing::SmallModel(1).one_activation(2, 2, 2, 3),
                     {1, packing, 128, privacy_bits, false, 1})
        .client;
}

/// Modulo a binomial.
ClientPlan binomial_plan_of(Packing packing, int privacy_bits) {
    Model model = testing::SmallModel(1).two_activations(2, 2, 3);
    for (Layer& layer : model.layers) {
        if (auto* activation = std::get_if<Activation>(&layer.kind)) {
            activation->coefficients = {1, 0, 1};  // so that an unscaled square leaves a factor
        }
    }
    return make_plan(model, {20, packing, 128, privacy_bits, false, 0, PlainKind::binomial}).client;
}

const ClientPlan& slots_plan() {
    static const ClientPlan plan = plan_of(Packing::slots, 40);
    return plan;
}

const ClientPlan& radix_plan() {
    static const ClientPlan plan = plan_of(Packing::radix, 0);
    return plan;
}

TEST(ClientPlanFile, RoundTrips) {
    for (const ClientPlan& plan : {slots_plan(), radix_plan()}) {
        const std::string text = format_client_plan(plan);
        const ClientPlan read = parse_client_plan(text, "client.json");
        EXPECT_EQ(read, plan);
        EXPECT_EQ(format_client_plan(read), text);
        const Client client(read);
        EXPECT_EQ(client.context().n(), plan.parameters.n);
    }
}

/// Of every packing, with thresholds of the channels, or thresholds and ranges of the elements.
const std::vector<ClientPlan>& feature_plans() {
    static const std::vector<ClientPlan> plans = [] {
        std::vector<ClientPlan> made;
        for (const Packing packing : {Packing::slots, Packing::radix, Packing::packed}) {
            Model model = testing::SmallModel(1).one_activation(2, 2, 2, 3);
            model.thresholds.clear();
            if (packing == Packing::radix) {
                model.features.thresholds = {{3, 200}, {128}};
            } else {
                model.features.thresholds.assign(model.input_shape.size(), {7});
                model.features.ranges.assign(model.input_shape.size(), {-1.0 / 3, 1e-7});
            }
            made.push_back(
                make_plan(model, {1, packing, 128, 0, false, packing == Packing::packed ? 0U : 1U}).client);
        }
        return made;
    }();
    return plans;
}

TEST(ClientPlanFile, FeaturesMakeItVersionFour) {
    for (const ClientPlan& plan : feature_plans()) {
        const std::string text = format_client_plan(plan);
        EXPECT_EQ(json::parse(text)["version"], plan.packing == Packing::packed ? 5 : 4);
        const ClientPlan read = parse_client_plan(text, "client.json");
        EXPECT_EQ(read, plan);
        EXPECT_FALSE(read.features.empty());
        EXPECT_EQ(format_client_plan(read), text);
        ClientPlan before = plan;  // as earlier releases planned
        before.packed.parts = {};
        before.galois_limbs.clear();
        EXPECT_EQ(json::parse(format_client_plan(before))["version"], 4);
        EXPECT_EQ(parse_client_plan(format_client_plan(before), "client.json"), before);
        before.features = {};
        before.thresholds = {128};
        EXPECT_EQ(json::parse(format_client_plan(before))["version"],
                  plan.packing == Packing::packed ? 3 : 2);
        EXPECT_EQ(parse_client_plan(format_client_plan(before), "client.json"), before);
    }
    EXPECT_EQ(json::parse(format_client_plan(slots_plan()))["version"], 2);
}

TEST(ClientPlanFile, BinomialsMakeItVersionSix) {
    for (const Packing packing : {Packing::slots, Packing::radix}) {
        for (const int privacy_bits : {0, 40}) {
            ClientPlan plan = binomial_plan_of(packing, privacy_bits);
            const std::string text = format_client_plan(plan);
            EXPECT_EQ(json::parse(text)["version"], 6);
            EXPECT_EQ(parse_client_plan(text, "client.json"), plan);
            EXPECT_EQ(format_client_plan(parse_client_plan(text, "client.json")), text);
            plan.thresholds.clear();
            plan.features.thresholds.assign(plan.input_shape.size(), {7});
            plan.features.ranges.assign(plan.input_shape.size(), {-1.0 / 3, 1e-7});
            EXPECT_EQ(parse_client_plan(format_client_plan(plan), "client.json"), plan);
        }
    }
}

TEST(ClientPlanFile, HoldsTheLargestFeaturesThatAModelMayHave) {
    ClientPlan plan = feature_plans().front();
    plan.input_shape = {4096, 1, 1};
    plan.features.thresholds.assign(4096, {});
    for (auto& list : plan.features.thresholds) {
        for (int i = 1; i <= 16; ++i) {
            list.push_back(i * 15);
        }
    }
    plan.features.ranges.assign(4096, {-1.2345678901234567e-300, 1.2345678901234567e-300});
    EXPECT_EQ(parse_client_plan(format_client_plan(plan), "client.json"), plan);
}

/// The error of a plan's file after a change, which has to name the source and these parts.
void expect_refused(const ClientPlan& plan, const std::function<void(json&)>& change,
                    const std::vector<std::string>& parts) {
    json document = json::parse(format_client_plan(plan));
    change(document);
    try {
        (void)parse_client_plan(document.dump(), "client.json");
        ADD_FAILURE() << "accepted: " << document.dump();
    } catch (const Error& error) {
        const std::string text = error.what();
        EXPECT_EQ(text.rfind("client.json: ", 0), 0U) << text;
        for (const std::string& part : parts) {
            EXPECT_NE(text.find(part), std::string::npos) << "expected '" << part << "' in: " << text;
        }
    }
}

TEST(ClientPlanFile, RefusesOtherFormatsAndVersions) {
    expect_refused(slots_plan(), [](json& d) { d["format"] = "lacuna-model"; },
                   {"lacuna-client-plan", "lacuna-model"});
    expect_refused(slots_plan(), [](json& d) { d.erase("format"); }, {"lacuna-client-plan"});
    expect_refused(slots_plan(), [](json& d) { d["version"] = 1; }, {"version", "expected 2", "found 1"});
    expect_refused(slots_plan(), [](json& d) { d["weights"] = json::array(); }, {"weights"});
    expect_refused(slots_plan(), [](json& d) { d["reply"]["more"] = 1; }, {"reply", "more"});
    expect_refused(slots_plan(), [](json& d) { d["parameters"]["more"] = 1; }, {"parameters", "more"});
}

TEST(ClientPlanFile, RefusesNulAndWhateverFollows) {
    using namespace std::string_literals;
    const std::string text = format_client_plan(slots_plan());
    for (const std::string& more : {"\0"s, "\0garbage"s, "garbage"s, "{}"s}) {
        EXPECT_THROW((void)parse_client_plan(text + more, "client.json"), Error) << more;
    }
    EXPECT_EQ(parse_client_plan(text + "\n \t", "client.json"), slots_plan());
    expect_refused(slots_plan(), [](json& d) { d["version"] = 2.0; }, {"version", "expected 2"});
    expect_refused(slots_plan(), [](json& d) { d["version"] = 3; }, {"version", "expected 2", "found 3"});
}

TEST(ClientPlanFile, MayLackNothingButSpecialPrimesThatAreNotThere) {
    ClientPlan plan = slots_plan();
    plan.relin_keys = plan.public_key = false;
    plan.privacy_bits = 0;
    plan.parameters.special_primes.clear();
    EXPECT_EQ(parse_client_plan(format_client_plan(plan), "client.json"), plan);
}

TEST(ClientPlanFile, RefusesFactorsThatDoNotFitTheModuli) {
    const std::uint64_t t = slots_plan().parameters.plain_moduli.front();
    expect_refused(slots_plan(), [](json& d) { d["reply"]["factors"][0] = 0; }, {"reply.factors[0]"});
    expect_refused(slots_plan(), [t](json& d) { d["reply"]["factors"][0] = t; }, {"reply.factors[0]"});
    expect_refused(slots_plan(), [](json& d) { d["reply"]["factors"].push_back(1); }, {"reply.factors"});
}

TEST(ClientPlanFile, RefusesBinomialsThatDoNotCarryThePacking) {
    const ClientPlan radix = binomial_plan_of(Packing::radix, 0);
    const ClientPlan slots = binomial_plan_of(Packing::slots, 0);
    ASSERT_NE(radix.reply_slot_factor, 1) << "so that there is a factor to damage";
    expect_refused(radix, [](json& d) { d["version"] = 2; }, {"plain_polynomials", "none in this version"});
    expect_refused(slots_plan(), [](json& d) { d["version"] = 6; }, {"plain_polynomials", "one in this"});
    expect_refused(radix, [](json& d) { d["parameters"]["plain_polynomials"][0]["base"] = 3; },
                   {"plain_polynomials", "x - 2"});
    expect_refused(radix, [](json& d) { d["packing"] = "slots"; }, {"plain_polynomials", "k > 1"});
    expect_refused(slots, [](json& d) { d["packing"] = "radix"; }, {"plain_polynomials", "x - 2"});
    expect_refused(slots, [](json& d) { d["batch"] = d["batch"].get<int>() + 1; }, {"batch"});
    expect_refused(slots, [](json& d) { d["reply"]["stride"] = 1; }, {"reply.stride"});
    expect_refused(radix, [](json& d) { d["reply"]["stride"] = 1; }, {"reply.stride"});
    expect_refused(radix, [](json& d) { d["reply"]["stride"] = d["parameters"]["n"]; }, {"reply.stride"});
    expect_refused(radix, [](json& d) { d["reply"]["coefficients"] = 1; }, {"reply.coefficients"});
    for (const int parts : {0, 1, 6}) {
        expect_refused(radix, [parts](json& d) { d["reply"]["parts"] = parts; }, {"reply.parts"});
    }
    expect_refused(radix, [](json& d) { d["reply"].erase("parts"); }, {"reply", "parts"});
    expect_refused(slots_plan(), [](json& d) { d["reply"]["parts"] = 2; }, {"reply", "parts"});
    for (const char* factor : {"", "0", "01", "1G", "-1", "A1", " 1"}) {
        expect_refused(slots, [&](json& d) { d["reply"]["factors"][0] = factor; },
                       {"reply.factors[0]", "hexadecimal"});
    }
    const mpz_class p = slot_modulus(slots.plain_moduli().front(), slots.parameters.n);
    expect_refused(slots, [&](json& d) { d["reply"]["factors"][0] = p.get_str(16); }, {"reply.factors[0]"});
    expect_refused(slots, [](json& d) { d["reply"]["factors"][0] = std::string(100000, 'f'); },
                   {"reply.factors[0]"});
    expect_refused(slots, [](json& d) { d["reply"]["factors"].push_back("1"); }, {"reply.factors"});
    expect_refused(slots, [](json& d) { d["reply"]["factors"][0] = 1; }, {"reply.factors[0]"});
}

TEST(ClientPlanFile, RefusesEveryMissingField) {
    const json document = json::parse(format_client_plan(slots_plan()));
    for (const auto& [field, value] : document.items()) {
        expect_refused(slots_plan(), [&](json& d) { d.erase(field); }, {"expected"});
        if (!value.is_object()) {
            continue;
        }
        for (const auto& item : value.items()) {
            // The one list that may be absent, where no keys ask for it.
            const bool special = item.key() == "special_primes";
            expect_refused(slots_plan(), [&](json& d) { d[field].erase(item.key()); },
                           {special ? "keys" : field, special ? "special primes" : item.key()});
        }
    }
}

TEST(ClientPlanFile, RefusesValuesOfTheWrongTypeEverywhere) {
    const json document = json::parse(format_client_plan(slots_plan()));
    for (const auto& [field, value] : document.items()) {
        for (const json& other :
             {json(), json("x"), json(-1), json(1.5), json(true), json::object(), json::array()}) {
            if (other.type() != value.type()) {
                expect_refused(slots_plan(), [&](json& d) { d[field] = other; }, {"expected"});
            }
        }
    }
}

TEST(ClientPlanFile, RefusesParametersBelowTheStatedSecurity) {
    expect_refused(slots_plan(), [](json& d) { d["parameters"]["security"] = 256; }, {"parameters"});
    expect_refused(slots_plan(), [](json& d) { d["parameters"]["security"] = 100; }, {"parameters"});
    expect_refused(slots_plan(), [](json& d) { d["parameters"]["allow_insecure"] = true; },
                   {"allow_insecure"});
    expect_refused(slots_plan(), [](json& d) { d["parameters"]["n"] = 2048; }, {"parameters"});
    expect_refused(slots_plan(), [](json& d) { d["parameters"]["data_primes"][0] = 15; }, {"parameters"});
    expect_refused(slots_plan(), [](json& d) { d["parameters"]["plain_bits"] = {20}; }, {"by value"});
}

TEST(ClientPlanFile, RefusesModuliThatDoNotCarryThePacking) {
    expect_refused(slots_plan(), [](json& d) { d["parameters"]["plain_moduli"] = {65536}; },
                   {"plain_moduli", "prime"});
    expect_refused(slots_plan(), [](json& d) { d["parameters"]["plain_moduli"] = json::array(); },
                   {"plain_moduli"});
    expect_refused(radix_plan(),
                   [](json& d) {
                       d["parameters"]["plain_moduli"] = {15, 21};
                   },
                   {"common factor"});
    expect_refused(radix_plan(), [](json& d) { d["parameters"]["plain_moduli"] = {2}; }, {"at least 3"});
}

TEST(ClientPlanFile, RefusesLayoutsThatDoNotFitTheRing) {
    const std::size_t n = slots_plan().parameters.n;
    expect_refused(slots_plan(), [&](json& d) { d["batch"] = n + 1; }, {"batch"});
    expect_refused(slots_plan(), [](json& d) { d["batch"] = 0; }, {"batch"});
    expect_refused(radix_plan(), [](json& d) { d["batch"] = 2; }, {"batch"});
    expect_refused(slots_plan(), [](json& d) { d["reply"]["stride"] = 1; }, {"reply.stride"});
    expect_refused(radix_plan(), [&](json& d) { d["reply"]["stride"] = n; }, {"reply.stride"});
    expect_refused(radix_plan(), [](json& d) { d["reply"]["coefficients"] = 0; }, {"reply.coefficients"});
    expect_refused(slots_plan(), [](json& d) { d["reply"]["classes"] = 0; }, {"reply.classes"});
    expect_refused(slots_plan(), [](json& d) { d["reply"]["limbs"] = 40; }, {"reply.limbs"});
    expect_refused(slots_plan(), [](json& d) { d["reply"]["scale"] = 0; }, {"reply.scale"});
    expect_refused(slots_plan(),
                   [](json& d) {
                       d["reply"]["dropped_bits"] = {0, 60};
                   },
                   {"reply.dropped_bits[1]"});
    expect_refused(slots_plan(), [](json& d) { d["input"]["shape"] = {4096, 4096, 4096}; }, {"input.shape"});
    expect_refused(slots_plan(), [](json& d) { d["input"]["thresholds"] = {3, 3}; }, {"rising"});
    expect_refused(slots_plan(), [](json& d) { d["input"]["thresholds"] = {0}; }, {"thresholds[0]"});
}

TEST(ClientPlanFile, RefusesFeaturesThatDoNotFit) {
    const auto refuse = [](const std::function<void(json&)>& change, const std::vector<std::string>& parts) {
        expect_refused(
            feature_plans().front(), [&](json& d) { change(d["input"]); }, parts);
    };
    refuse([](json& input) { input["low"].erase(0); }, {"input.high", "array of 39"});
    refuse([](json& input) { input.erase("low"); }, {"input", "low"});
    refuse([](json& input) { input["low"][3] = 1; }, {"input.low[3]", "low below high"});
    refuse([](json& input) { input["high"][3] = "1"; }, {"input.high[3]"});
    refuse([](json& input) { input["thresholds"].erase(0); }, {"input.thresholds", "2 channels", "39"});
    refuse([](json& input) { input["thresholds"][2] = {9, 9}; }, {"input.thresholds[2][1]", "rising"});
    refuse([](json& input) { input["thresholds"][2] = {256}; }, {"input.thresholds[2][0]"});
    // Earlier versions have none of it, and a reader of them says so in one line.
    for (const char* packing : {"slots", "radix"}) {
        expect_refused(packing == std::string("slots") ? slots_plan() : radix_plan(),
                       [](json& d) { d["input"]["low"] = {0}; }, {"input", "low"});
    }
    expect_refused(slots_plan(), [](json& d) { d["version"] = 3; },
                   {"version", "expected 2 or 4", "found 3"});
}

TEST(ClientPlanFile, RefusesKeysThatMakeNoSense) {
    const std::size_t n = slots_plan().parameters.n;
    expect_refused(slots_plan(), [](json& d) { d["keys"]["galois_elements"] = {4}; }, {"odd"});
    expect_refused(slots_plan(),
                   [](json& d) {
                       d["keys"]["galois_elements"] = {5, 5};
                   },
                   {"galois_elements[1]"});
    expect_refused(slots_plan(), [&](json& d) { d["keys"]["galois_elements"] = {2 * n + 1}; },
                   {"galois_elements[0]"});
    expect_refused(slots_plan(), [](json& d) { d["keys"]["public"] = false; }, {"privacy_bits"});
    expect_refused(slots_plan(), [](json& d) { d["privacy_bits"] = 200; }, {"privacy_bits"});
    expect_refused(radix_plan(), [](json& d) { d["privacy_bits"] = 40; }, {"privacy_bits"});
    expect_refused(slots_plan(), [](json& d) { d["parameters"].erase("special_primes"); }, {"client.json"});
}

TEST(ClientPlanFile, RefusesWhatIsNoJson) {
    for (const std::string text : {"", "{", "[1]", "null", "\x80"}) {
        EXPECT_THROW((void)parse_client_plan(text, "client.json"), Error) << text;
    }
    EXPECT_THROW((void)parse_client_plan(std::string(std::size_t{5} << 20, ' '), "client.json"), Error);
}

}  // namespace
}  // namespace lacuna
