// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/parameters_json.h>

#include <set>

#include <nlohmann/json.hpp>

#include <lacuna/he/files/json_document.h>
#include <lacuna/he/rlwe/parameter_problems.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/modulus.h>
#include <lacuna/ntt/ntt_tables.h>

namespace lacuna {

namespace {

using Json = nlohmann::json;

constexpr std::size_t longest_shown = 60;
constexpr std::size_t max_listed = 64;  // entries of a list

/// A value for a message: one short line of ASCII.
std::string shown(const Json& value) {
    const std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
    return text.size() <= longest_shown ? text : text.substr(0, longest_shown) + "...";
}

/// Whether a JSON integer may be the base of a binomial. Large unsigned ones must not wrap.
bool is_base(const Json& item) {
    return item.is_number_unsigned()
               ? item.get<std::uint64_t>() < std::uint64_t{max_plain_base} && item.get<std::uint64_t>() >= 2
               : item.get<std::int64_t>() > -max_plain_base && item.get<std::int64_t>() <= -2;
}

template <typename T>
std::vector<T> read_list(const Json& json, const std::string& source, const char* field,
                         std::uint64_t largest) {
    std::vector<T> values;
    if (!json.contains(field)) {
        return values;
    }
    const Json& list = json.at(field);
    if (!list.is_array() || list.size() > max_listed) {
        throw Error(source + ": " + field + ": expected a list of at most " + std::to_string(max_listed) +
                    " integers");
    }
    for (const Json& item : list) {
        if (!item.is_number_unsigned() || item.get<std::uint64_t>() > largest) {
            throw Error(source + ": " + field + ": expected integers 0 ... " + std::to_string(largest) +
                        ", found " + shown(item));
        }
        values.push_back(static_cast<T>(item.get<std::uint64_t>()));
    }
    return values;
}

std::vector<PlainModulus> read_binomials(const Json& json, const std::string& source, const char* field) {
    std::vector<PlainModulus> values;
    if (!json.contains(field)) {
        return values;
    }
    const Json& list = json.at(field);
    if (!list.is_array() || list.size() > max_listed) {
        throw Error(source + ": " + field + ": expected a list of at most " + std::to_string(max_listed) +
                    R"( objects {"power": k, "base": b})");
    }
    for (const Json& item : list) {
        const bool fits = item.is_object() && item.size() == 2 && item.contains("power") &&
                          item.contains("base") && item.at("power").is_number_unsigned() &&
                          item.at("base").is_number_integer();
        if (!fits || item.at("power").get<std::uint64_t>() > max_ntt_size ||
            item.at("power").get<std::uint64_t>() == 0 || !is_base(item.at("base"))) {
            throw Error(source + ": " + field + R"(: expected {"power": k, "base": b} with k of 1 ... )" +
                        std::to_string(max_ntt_size / 2) + " and 2 <= |b| < 2^24, found " + item.dump());
        }
        values.push_back(
            PlainModulus::binomial(item.at("power").get<std::size_t>(), item.at("base").get<std::int64_t>()));
    }
    return values;
}

std::uint64_t read_integer(const Json& json, const std::string& source, const char* field,
                           std::uint64_t fallback, std::uint64_t largest) {
    if (!json.contains(field)) {
        return fallback;
    }
    const Json& item = json.at(field);
    if (!item.is_number_unsigned() || item.get<std::uint64_t>() > largest) {
        throw Error(source + ": " + field + ": expected an integer 0 ... " + std::to_string(largest) +
                    ", found " + shown(item));
    }
    return item.get<std::uint64_t>();
}

}  // namespace

Parameters parse_parameters(std::string_view text, const std::string& source) {
    // Messages print values, whose nesting must not exhaust the stack.
    constexpr detail::JsonLimits limits{std::size_t{1} << 16, 8, 4096, 1024};
    const Json json = detail::parse_json(text, source, limits);
    if (!json.is_object()) {
        throw Error(source + ": expected a JSON object of parameters, found " +
                    std::string(json.type_name()));
    }
    static const std::set<std::string> known = {
        "n",          "data_bits",    "data_primes",       "special_bits", "special_primes", "digit_limbs",
        "plain_bits", "plain_moduli", "plain_polynomials", "security",     "allow_insecure"};
    for (const auto& [key, value] : json.items()) {
        if (!known.contains(key)) {
            throw Error(source + ": unknown field '" + key.substr(0, longest_shown) +
                        "'; the fields are those of struct Parameters");
        }
    }
    constexpr std::uint64_t largest_prime = (std::uint64_t{1} << max_modulus_bits) - 1;
    Parameters parameters;
    parameters.n = read_integer(json, source, "n", parameters.n, max_ntt_size);
    parameters.data_bits = read_list<int>(json, source, "data_bits", max_modulus_bits);
    parameters.data_primes = read_list<std::uint64_t>(json, source, "data_primes", largest_prime);
    parameters.special_bits = read_list<int>(json, source, "special_bits", max_modulus_bits);
    parameters.special_primes = read_list<std::uint64_t>(json, source, "special_primes", largest_prime);
    parameters.digit_limbs =
        read_integer(json, source, "digit_limbs", parameters.digit_limbs, max_ring_primes);
    parameters.plain_bits = read_list<int>(json, source, "plain_bits", max_modulus_bits);
    parameters.plain_moduli = read_list<std::uint64_t>(json, source, "plain_moduli", largest_prime);
    parameters.plain_polynomials = read_binomials(json, source, "plain_polynomials");
    parameters.security = static_cast<int>(read_integer(json, source, "security", 128, 256));
    if (json.contains("allow_insecure")) {
        if (!json.at("allow_insecure").is_boolean()) {
            throw Error(source + ": allow_insecure: expected true or false, found " +
                        shown(json.at("allow_insecure")));
        }
        parameters.allow_insecure = json.at("allow_insecure").get<bool>();
    }
    return parameters;
}

std::string format_parameters(const Parameters& parameters) {
    nlohmann::ordered_json json;
    json["n"] = parameters.n;
    const auto put = [&json](const char* field, const auto& list) {
        if (!list.empty()) {
            json[field] = list;
        }
    };
    put("data_bits", parameters.data_bits);
    put("data_primes", parameters.data_primes);
    put("special_bits", parameters.special_bits);
    put("special_primes", parameters.special_primes);
    json["digit_limbs"] = parameters.digit_limbs;
    put("plain_bits", parameters.plain_bits);
    put("plain_moduli", parameters.plain_moduli);
    for (const PlainModulus& t : parameters.plain_polynomials) {
        json["plain_polynomials"].push_back({{"power", t.power()}, {"base", t.base()}});
    }
    json["security"] = parameters.security;
    if (parameters.allow_insecure) {
        json["allow_insecure"] = true;
    }
    return json.dump();
}

}  // namespace lacuna
