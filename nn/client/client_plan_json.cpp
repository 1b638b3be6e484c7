// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>
#include <initializer_list>
#include <numeric>
#include <set>
#include <utility>

#include <lacuna/he/files/parameters_json.h>
#include <lacuna/he/fv/ciphertext_size.h>
#include <lacuna/nn/client/client_plan.h>
#include <lacuna/nn/model/input_json.h>
#include <lacuna/nn/model/model_limits.h>
#include <lacuna/nn/model/strict_json.h>
#include <lacuna/nn/model/text_file.h>
#include <lacuna/nn/packing/rules.h>
#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

using namespace strict_json;
using nlohmann::ordered_json;

constexpr int client_plan_version = 2;
constexpr int packed_plan_version = 3;    // with binomials and where elements are in slots
constexpr int features_plan_version = 4;  // of any of these, where channels or elements are set apart
constexpr int parts_plan_version = 5;     // packed, with parts of logits and levels of keys
constexpr int binomial_plan_version = 6;  // of slots and radix modulo a binomial, features or not
constexpr int shared_plan_version = 7;    // of 5, where several images share ciphertexts
constexpr std::size_t max_galois_keys = 256;
const char* const again = "export the client's half of the plan again";

Parameters parse_resolved(const json& value, const FieldPath& place) {
    if (!value.is_object()) {
        fail(place, "an object", describe(value), again);
    }
    // Special primes and allow_insecure are left out where there are none; nothing else has a default here.
    for (const char* field : {"n", "data_primes", "digit_limbs", "security"}) {
        (void)member(value, place, field);
    }
    if (!value.contains("plain_polynomials")) {
        (void)member(value, place, "plain_moduli");
    }
    const Parameters parameters = parse_parameters(value.dump(), place.text());
    if (parameters.allow_insecure) {
        fail(FieldPath(place, "allow_insecure"), "parameters that keep the stated security", "an exception",
             again);
    }
    Parameters resolved;
    try {
        resolved = resolve(parameters);
    } catch (const Error& error) {
        throw Error(place.text() + ": " + error.what());
    }
    if (resolved != parameters) {
        fail(place, "every prime by value", "sizes in bits", again);
    }
    return resolved;
}

/// Whether a packed plan says more than version 3 can: parts of logits, levels of keys.
bool has_parts(const ClientPlan& plan) {
    return plan.packed.parts != Repeats{} || !plan.galois_limbs.empty();
}

/// Whether a packed plan of this version says these.
bool says_parts(int version) {
    return version == parts_plan_version || version == shared_plan_version;
}

/// Whether slots or radix are modulo a binomial.
bool is_binomial(const ClientPlan& plan) {
    return plan.packing != Packing::packed && !plan.parameters.plain_polynomials.empty();
}

/// One binomial that carries the packing.
template <typename Rules>
void check_binomial(const ClientPlan& plan, const Rules& rules, const FieldPath& place) {
    const std::vector<PlainModulus> moduli = plan.plain_moduli();
    if (moduli.size() != 1 || !rules.takes(moduli.front(), plan.parameters.n)) {
        fail(FieldPath(place, "plain_polynomials"), rules.what_it_takes(plan.parameters.n),
             moduli.size() == 1 ? to_string(moduli.front())
                                : std::to_string(moduli.size()) + " plaintext moduli",
             again);
    }
}

/// The plaintext moduli carry the packing, and are coprime, so that the CRT joins them.
void check_plain_moduli(const ClientPlan& plan, int version, const FieldPath& place) {
    if (plan.packing == Packing::packed) {
        check_binomial(plan, PackedPacking(), place);
        return;
    }
    if (is_binomial(plan) != (version == binomial_plan_version)) {
        fail(FieldPath(place, "plain_polynomials"),
             version == binomial_plan_version ? "one in this version" : "none in this version",
             is_binomial(plan) ? "some" : "none", again);
    }
    if (is_binomial(plan)) {
        const std::size_t power = plan.packing == Packing::radix ? 1 : plain_power(plan.parameters);
        if (plan.packing == Packing::slots && power < 2) {
            fail(FieldPath(place, "plain_polynomials"), "x^k - b, k > 1, for slots", "k = 1", again);
        }
        check_binomial(plan, BinomialPacking(power), place);
        return;
    }
    const std::vector<std::uint64_t>& moduli = plan.parameters.plain_moduli;
    const FieldPath at(place, "plain_moduli");
    if (moduli.empty() || moduli.size() > PlanLimits::plain_moduli) {
        fail(at, "1 to " + std::to_string(PlanLimits::plain_moduli) + " moduli",
             std::to_string(moduli.size()), again);
    }
    const std::size_t n = plan.parameters.n;
    for (std::size_t i = 0; i < moduli.size(); ++i) {
        const std::uint64_t t = moduli[i];
        std::visit(
            [&](const auto& rules) {
                if (!rules.takes(t, n)) {
                    fail(FieldPath(at, i), rules.what_it_takes(n), std::to_string(t), again);
                }
            },
            integer_rules_of(plan.packing));
        for (std::size_t j = 0; j < i; ++j) {
            if (std::gcd(t, moduli[j]) != 1) {
                fail(FieldPath(at, i), "moduli without a common factor",
                     std::to_string(moduli[j]) + " and " + std::to_string(t), again);
            }
        }
    }
}

void parse_input(const json& value, const FieldPath& place, int version, ClientPlan& plan) {
    const bool features = version >= features_plan_version;
    if (features) {
        check_object(value, place, {"shape", "thresholds", "low", "high", "public_encryption"});
    } else {
        check_object(value, place, {"shape", "thresholds", "public_encryption"});
    }
    plan.public_encryption =
        boolean(member(value, place, "public_encryption"), FieldPath(place, "public_encryption"));
    const FieldPath shape_at(place, "shape");
    const auto shape = dimensions(member(value, place, "shape"), shape_at, ModelLimits::dimension);
    plan.input_shape = {shape[0], shape[1], shape[2]};
    if (plan.input_shape.size() > ModelLimits::elements) {
        fail(shape_at, "at most " + std::to_string(ModelLimits::elements) + " pixels",
             std::to_string(plan.input_shape.size()), again);
    }
    read_input(value, place, features, plan.thresholds, plan.features);
    check_input(plan.thresholds, plan.features, plan.input_shape, place.text());
}

Extent parse_extent(const json& value, const FieldPath& place, std::size_t least) {
    const json& pair = array_of(value, place, 2);
    return {count(pair[0], FieldPath(place, std::size_t{0}), least, ModelLimits::dimension),
            count(pair[1], FieldPath(place, std::size_t{1}), least, ModelLimits::dimension)};
}

/// The parts of a logit: no slot of them is another's.
void parse_parts(const json& value, const FieldPath& place, std::size_t slots, ClientPlan& plan) {
    Repeats& parts = plan.packed.parts;
    parts.count = count(member(value, place, "parts"), FieldPath(place, "parts"), 1, slots);
    parts.step =
        count(member(value, place, "part_step"), FieldPath(place, "part_step"), 0, slots / parts.count);
    std::set<std::pair<std::size_t, std::size_t>> taken;
    for (const std::size_t logit : plan.packed.logits) {
        for (std::size_t i = 0; i < parts.count; ++i) {
            const Place part = repeat_of({logit / slots, logit % slots}, parts, i, slots);
            for (std::size_t image = 0; image < plan.packed.images; ++image) {
                if (!taken.emplace(part.ciphertext, part.position + image).second) {
                    fail(place, "a slot for every part of a logit", "two parts in one", again);
                }
            }
        }
    }
}

/// How many images share the slots, each of whose rows has a slot for every one of them.
void parse_images(const json& value, const FieldPath& place, std::size_t slots, ClientPlan& plan) {
    const FieldPath at(place, "images");
    const std::size_t images = count(member(value, place, "images"), at, 2, slots);
    if (slots % images != 0) {
        fail(at, "a divisor of the " + std::to_string(slots) + " slots", std::to_string(images), again);
    }
    plan.packed.images = images;
}

/// Where elements are in slots; every one of them in a row, and no two in one slot.
void parse_packed(const json& value, const FieldPath& place, int version, ClientPlan& plan) {
    const bool parts = says_parts(version);
    if (version == shared_plan_version) {
        check_object(value, place,
                     {"images", "phases", "origin", "row_step", "column_step", "block_step", "blocks",
                      "copies", "copy_step", "logits", "parts", "part_step"});
    } else if (parts) {
        check_object(value, place,
                     {"phases", "origin", "row_step", "column_step", "block_step", "blocks", "copies",
                      "copy_step", "logits", "parts", "part_step"});
    } else {
        check_object(value, place,
                     {"phases", "origin", "row_step", "column_step", "block_step", "blocks", "copies",
                      "copy_step", "logits"});
    }
    const std::size_t slots = plan.parameters.plain_polynomials.front().power();
    const auto number = [&](const char* field, std::size_t least, std::size_t most) {
        return count(member(value, place, field), FieldPath(place, field), least, most);
    };
    if (version == shared_plan_version) {
        parse_images(value, place, slots, plan);
    }
    const std::size_t images = plan.packed.images;
    PackedArrangement& input = plan.packed.input;
    input.phases = parse_extent(member(value, place, "phases"), FieldPath(place, "phases"), 1);
    input.origin = parse_extent(member(value, place, "origin"), FieldPath(place, "origin"), 0);
    input.row_step = number("row_step", 1, slots);
    input.column_step = number("column_step", 1, slots);
    input.block_step = number("block_step", 1, slots);
    input.blocks = number("blocks", 1, slots);
    input.copies = number("copies", 1, 2);
    input.copy_step = number("copy_step", input.copies - 1, slots);
    if (input.ciphertexts(plan.input_shape) > max_packed_ciphertexts ||
        input.slots(plan.input_shape) + images - 1 > slots) {
        fail(place,
             "an input in at most " + std::to_string(max_packed_ciphertexts) + " ciphertexts of " +
                 std::to_string(slots) + " slots",
             std::to_string(input.ciphertexts(plan.input_shape)) + " of " +
                 std::to_string(input.slots(plan.input_shape)),
             again);
    }
    std::set<std::pair<std::size_t, std::size_t>> taken;
    for (const Place& element : input.places(plan.input_shape)) {
        for (std::size_t copy = 0; copy < input.copies; ++copy) {
            for (std::size_t image = 0; image < images; ++image) {
                const std::size_t slot = element.position + copy * input.copy_step + image;
                if (!taken.emplace(element.ciphertext, slot).second) {
                    fail(place, "a slot for every pixel", "two pixels in one", again);
                }
            }
        }
    }
    const FieldPath logits_at(place, "logits");
    const json& logits = array_of(member(value, place, "logits"), logits_at, plan.classes);
    for (std::size_t i = 0; i < logits.size(); ++i) {
        const FieldPath at(logits_at, i);
        const std::size_t logit = count(logits[i], at, 0, max_packed_ciphertexts * slots - 1);
        if (logit % slots + images > slots) {
            fail(at, "a slot for every one of " + std::to_string(images) + " images", std::to_string(logit),
                 again);
        }
        plan.packed.logits.push_back(logit);
    }
    if (parts) {
        parse_parts(value, place, slots, plan);
    }
}

void parse_keys(const json& value, const FieldPath& place, int version, ClientPlan& plan) {
    const bool limbs = says_parts(version);
    if (limbs) {
        check_object(value, place, {"relinearisation", "galois_elements", "galois_limbs", "public"});
    } else {
        check_object(value, place, {"relinearisation", "galois_elements", "public"});
    }
    plan.relin_keys = boolean(member(value, place, "relinearisation"), FieldPath(place, "relinearisation"));
    plan.public_key = boolean(member(value, place, "public"), FieldPath(place, "public"));
    const FieldPath elements_at(place, "galois_elements");
    const json& elements = array(member(value, place, "galois_elements"), elements_at);
    if (elements.size() > max_galois_keys) {
        fail(elements_at, "at most " + std::to_string(max_galois_keys) + " elements",
             std::to_string(elements.size()), again);
    }
    std::size_t least = 3;
    for (std::size_t i = 0; i < elements.size(); ++i) {
        const FieldPath at(elements_at, i);
        const std::size_t element = count(elements[i], at, least, 2 * plan.parameters.n - 1);
        if (element % 2 == 0) {
            fail(at, "an odd element", std::to_string(element), again);
        }
        plan.galois_elements.push_back(static_cast<std::uint32_t>(element));
        least = element + 2;
    }
    if (limbs) {
        const FieldPath limbs_at(place, "galois_limbs");
        const json& list = array_of(member(value, place, "galois_limbs"), limbs_at, elements.size());
        for (std::size_t i = 0; i < list.size(); ++i) {
            plan.galois_limbs.push_back(
                count(list[i], FieldPath(limbs_at, i), 1, plan.parameters.data_primes.size()));
        }
    }
    if ((plan.relin_keys || !plan.galois_elements.empty()) && plan.parameters.special_primes.empty()) {
        fail(place, "no key-switching keys without special primes", "some", again);
    }
}

/// A number in 1 ... p - 1 as hexadecimal digits, as mpz_class writes it.
mpz_class parse_factor(const json& value, const FieldPath& place, const mpz_class& p) {
    const std::string text = text_of(value, place);
    const bool digits = std::all_of(text.begin(), text.end(),
                                    [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    const std::size_t most = mpz_sizeinbase(p.get_mpz_t(), 16);
    mpz_class factor;
    if (!text.empty() && text.size() <= most && digits && text.front() != '0') {
        factor.set_str(text, 16);
    }
    if (factor == 0 || factor >= p) {
        fail(place, "a number below p in up to " + std::to_string(most) + " hexadecimal digits, lower case",
             describe(value), again);
    }
    return factor;
}

/// For each plaintext modulus; modulo a binomial in hexadecimal digits, since it may be long.
ordered_json factors_json(const ClientPlan& plan) {
    if (is_binomial(plan)) {
        return ordered_json::array({plan.reply_slot_factor.get_str(16)});
    }
    return plan.reply_factors;
}

void parse_reply(const json& value, const FieldPath& place, ClientPlan& plan) {
    if (is_binomial(plan)) {
        check_object(
            value, place,
            {"classes", "scale", "limbs", "parts", "stride", "coefficients", "dropped_bits", "factors"});
        plan.reply_parts =
            count(member(value, place, "parts"), FieldPath(place, "parts"), 2, max_ciphertext_parts);
    } else {
        check_object(value, place,
                     {"classes", "scale", "limbs", "stride", "coefficients", "dropped_bits", "factors"});
    }
    const std::size_t n = plan.parameters.n;
    const PackingRules rules = rules_of(plan.packing, plain_power(plan.parameters));
    const bool digits = std::visit([](const auto& known) { return known.has_digits; }, rules);
    plan.classes =
        count(member(value, place, "classes"), FieldPath(place, "classes"), 1, ModelLimits::elements);
    plan.output_scale = number(member(value, place, "scale"), FieldPath(place, "scale"));
    if (!std::isfinite(plan.output_scale) || plan.output_scale <= 0) {
        fail(FieldPath(place, "scale"), "a positive number", describe(value["scale"]), again);
    }
    plan.reply_limbs = count(member(value, place, "limbs"), FieldPath(place, "limbs"), 1,
                             plan.parameters.data_primes.size());
    plan.reply_coefficients = count(member(value, place, "coefficients"), FieldPath(place, "coefficients"),
                                    digits ? 1 : 0, digits ? n : 0);
    // One logit has a ciphertext of its own; several lie side by side in one.
    const bool joined = plan.reply_parts == 2 &&
                        std::visit([&](const auto& known) { return known.joins(plan.classes); }, rules);
    plan.reply_stride = count(member(value, place, "stride"), FieldPath(place, "stride"),
                              !joined  ? 0
                              : digits ? plan.reply_coefficients
                                       : 2,
                              joined ? n / plan.classes : 0);
    const FieldPath dropped_at(place, "dropped_bits");
    const json& dropped = array_of(member(value, place, "dropped_bits"), dropped_at, 2);
    std::size_t modulus_bits = 0;
    for (std::size_t i = 0; i < plan.reply_limbs; ++i) {
        modulus_bits += static_cast<std::size_t>(std::bit_width(plan.parameters.data_primes[i]));
    }
    for (std::size_t i = 0; i < plan.reply_dropped_bits.size(); ++i) {
        plan.reply_dropped_bits[i] =
            static_cast<int>(count(dropped[i], FieldPath(dropped_at, i), 0, modulus_bits - 1));
    }
    const std::vector<std::uint64_t>& moduli = plan.parameters.plain_moduli;
    const FieldPath factors_at(place, "factors");
    if (is_binomial(plan)) {
        const json& factor = array_of(member(value, place, "factors"), factors_at, 1);
        plan.reply_slot_factor =
            parse_factor(factor[0], FieldPath(factors_at, std::size_t{0}),
                         slot_modulus(plan.parameters.plain_polynomials.front(), plan.parameters.n));
        return;
    }
    const json& factors = array_of(member(value, place, "factors"), factors_at, moduli.size());
    for (std::size_t m = 0; m < moduli.size(); ++m) {
        plan.reply_factors.push_back(count(factors[m], FieldPath(factors_at, m), 1, moduli[m] - 1));
    }
}

int version_of(const ClientPlan& plan) {
    if (plan.packed.images > 1) {
        return shared_plan_version;
    }
    if (has_parts(plan)) {
        return parts_plan_version;
    }
    if (is_binomial(plan)) {
        return binomial_plan_version;
    }
    if (!plan.features.empty()) {
        return features_plan_version;
    }
    return plan.packing == Packing::packed ? packed_plan_version : client_plan_version;
}

ordered_json client_plan_json(const ClientPlan& plan) {
    const bool packed = plan.packing == Packing::packed;
    ordered_json document = {
        {"format", "lacuna-client-plan"},
        {"version", version_of(plan)},
        {"model", plan.model},
        {"packing", packing_name(plan.packing)},
        {"batch", plan.batch},
        {"input",
         {{"shape", {plan.input_shape.channels, plan.input_shape.height, plan.input_shape.width}},
          {"thresholds", thresholds_json(plan.thresholds, plan.features)},
          {"public_encryption", plan.public_encryption}}},
        {"parameters", ordered_json::parse(format_parameters(plan.parameters))},
        {"keys",
         {{"relinearisation", plan.relin_keys},
          {"galois_elements", plan.galois_elements},
          {"public", plan.public_key}}},
        {"reply",
         {{"classes", plan.classes},
          {"scale", plan.output_scale},
          {"limbs", plan.reply_limbs},
          {"stride", plan.reply_stride},
          {"coefficients", plan.reply_coefficients},
          {"dropped_bits", plan.reply_dropped_bits},
          {"factors", factors_json(plan)}}},
        {"privacy_bits", plan.privacy_bits},
    };
    if (is_binomial(plan)) {
        document["reply"]["parts"] = plan.reply_parts;
    }
    if (!plan.features.ranges.empty()) {
        document["input"]["low"] = low_json(plan.features);
        document["input"]["high"] = high_json(plan.features);
    }
    if (packed) {
        const PackedArrangement& input = plan.packed.input;
        const auto pair = [](const Extent& extent) {
            return ordered_json{extent.vertical, extent.horizontal};
        };
        document["packed"] = {{"phases", pair(input.phases)},   {"origin", pair(input.origin)},
                              {"row_step", input.row_step},     {"column_step", input.column_step},
                              {"block_step", input.block_step}, {"blocks", input.blocks},
                              {"copies", input.copies},         {"copy_step", input.copy_step},
                              {"logits", plan.packed.logits}};
    }
    if (says_parts(version_of(plan))) {
        document["keys"]["galois_limbs"] = plan.galois_limbs;
        document["packed"]["parts"] = plan.packed.parts.count;
        document["packed"]["part_step"] = plan.packed.parts.step;
    }
    if (plan.packed.images > 1) {
        document["packed"]["images"] = plan.packed.images;
    }
    return document;
}

}  // namespace

std::string format_client_plan(const ClientPlan& plan) {
    return client_plan_json(plan).dump(2) + "\n";
}

ClientPlan parse_client_plan(std::string_view text, const std::string& source) {
    const FieldPath root(source, again);
    const json document = parse_document(text, root, plan_document);
    const bool packed =
        document.is_object() && document.value("packing", json()) == packing_name(Packing::packed);
    const auto version_among = [&](std::initializer_list<int> versions) {
        return check_format(document, root, "the client's half of a plan", "lacuna-client-plan", versions,
                            "give the file that `lacuna plan --export-client` wrote",
                            std::string("use a library that reads this version, or ") + again);
    };
    const int version =
        packed ? version_among(
                     {packed_plan_version, features_plan_version, parts_plan_version, shared_plan_version})
               : version_among({client_plan_version, features_plan_version, binomial_plan_version});
    if (packed) {
        check_object(document, root,
                     {"format", "version", "model", "packing", "batch", "input", "parameters", "keys",
                      "reply", "privacy_bits", "packed"});
    } else {
        check_object(document, root,
                     {"format", "version", "model", "packing", "batch", "input", "parameters", "keys",
                      "reply", "privacy_bits"});
    }
    ClientPlan plan;
    const FieldPath model_at(root, "model");
    plan.model = text_of(member(document, root, "model"), model_at);
    const bool plain = std::all_of(plan.model.begin(), plan.model.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    if (plan.model.empty() || plan.model.size() > ModelLimits::name_length || !plain) {
        fail(model_at, "1 to " + std::to_string(ModelLimits::name_length) + " characters a-z 0-9 - _",
             describe(document["model"]), again);
    }
    const FieldPath packing_at(root, "packing");
    const std::string packing = text_of(member(document, root, "packing"), packing_at);
    const std::optional<Packing> known = find_packing(packing);
    if (!known) {
        fail(packing_at, packing_names(), describe(document["packing"]), again);
    }
    plan.packing = *known;
    const FieldPath parameters_at(root, "parameters");
    plan.parameters = parse_resolved(member(document, root, "parameters"), parameters_at);
    check_plain_moduli(plan, version, parameters_at);
    const auto [most_images, most_privacy_bits] = std::visit(
        [&](const auto& rules) {
            return std::pair{rules.most_images(plan.parameters.n),
                             rules.hides_circuit ? std::size_t{PlanLimits::privacy_bits} : 0};
        },
        rules_of(plan.packing, plain_power(plan.parameters)));
    plan.batch = count(member(document, root, "batch"), FieldPath(root, "batch"), 1, most_images);
    parse_input(member(document, root, "input"), FieldPath(root, "input"), version, plan);
    parse_keys(member(document, root, "keys"), FieldPath(root, "keys"), version, plan);
    parse_reply(member(document, root, "reply"), FieldPath(root, "reply"), plan);
    if (packed) {
        parse_packed(member(document, root, "packed"), FieldPath(root, "packed"), version, plan);
    }
    const FieldPath privacy_at(root, "privacy_bits");
    plan.privacy_bits =
        static_cast<int>(count(member(document, root, "privacy_bits"), privacy_at, 0, most_privacy_bits));
    if (plan.public_key != (plan.privacy_bits > 0)) {
        fail(privacy_at, "a public key exactly where replies are re-randomised",
             plan.public_key ? "a public key and 0 bits"
                             : "none and " + std::to_string(plan.privacy_bits) + " bits",
             again);
    }
    return plan;
}

ClientPlan load_client_plan(const std::filesystem::path& file, const std::stop_token& stop) {
    const TextFile text = read_text(file, plan_document.bytes, stop);
    const std::string name = file.string();
    if (!text.whole) {
        fail(FieldPath(name, again), "at most " + std::to_string(plan_document.bytes) + " bytes",
             text.size ? std::to_string(*text.size) : "more",
             "give the client's half of a plan, as `lacuna plan --export-client` writes it");
    }
    return parse_client_plan(text.text, name);
}

}  // namespace lacuna
