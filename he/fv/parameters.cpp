// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/fv/parameters.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

#include <gmpxx.h>
#include <nlohmann/json.hpp>

#include <lacuna/he/files/json_document.h>
#include <lacuna/he/fv/noise.h>
#include <lacuna/he/rlwe/security.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/ntt_tables.h>
#include <lacuna/ntt/primes.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

namespace {

using Json = nlohmann::json;

constexpr std::size_t max_primes = 48;
constexpr std::size_t max_plain_moduli = 64;
/// What Scaler takes.
constexpr std::size_t max_product_primes = 60;

constexpr std::size_t longest_shown = 60;

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
    if (!list.is_array() || list.size() > max_plain_moduli) {
        throw Error(source + ": " + field + ": expected a list of at most " +
                    std::to_string(max_plain_moduli) + " integers");
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
    if (!list.is_array() || list.size() > max_plain_moduli) {
        throw Error(source + ": " + field + ": expected a list of at most " +
                    std::to_string(max_plain_moduli) + R"( objects {"power": k, "base": b})");
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

/// Collects problems, so that a person sees all of them at once.
class Problems {
  public:
    void add(const std::string& problem) { text_ += "\n  - " + problem; }
    void raise() const {
        if (!text_.empty()) {
            throw Error("parameters: these do not fit together:" + text_);
        }
    }
    [[nodiscard]] bool none() const { return text_.empty(); }

  private:
    std::string text_;
};

/// Whether the special primes alone are to blame where a fresh encryption no longer decrypts after key
/// switching at the top level: with P^2 in place of P it would. Lower levels with digits of several primes
/// ask for more.
bool special_primes_are_too_small(const Parameters& parameters) {
    double log_t = 1;
    for (const PlainModulus& t : all_plain_moduli(parameters)) {
        log_t = std::max(log_t, t.log_bound());
    }
    const auto leaves_room = [&](const Parameters& tried) {
        const NoiseModel noise(tried, log_t);
        return noise.budget(noise.rotate(noise.fresh_symmetric())) > 0;
    };
    Parameters squared = parameters;
    squared.special_primes.insert(squared.special_primes.end(), parameters.special_primes.begin(),
                                  parameters.special_primes.end());
    return !leaves_room(parameters) && leaves_room(squared);
}

void check_binomials(const Parameters& parameters, bool primes_valid, Problems& problems) {
    std::vector<PlainModulus> seen;
    const std::vector<std::uint64_t> none;
    for (const PlainModulus& t : parameters.plain_polynomials) {
        const std::string problem =
            binomial_problem(t, parameters.n, primes_valid ? parameters.data_primes : none);
        if (!problem.empty()) {
            problems.add("plain_polynomials: " + problem);
        } else if (std::find(seen.begin(), seen.end(), t) != seen.end()) {
            problems.add("plain_polynomials: " + to_string(t) + " occurs twice; give it once");
        }
        seen.push_back(t);
    }
}

/// Replaces sizes by the largest free primes of those sizes.
void choose_primes(std::size_t n, std::vector<int>& bits, std::vector<std::uint64_t>& primes,
                   std::vector<std::uint64_t>& taken, const char* name, Problems& problems) {
    if (!bits.empty() && !primes.empty()) {
        problems.add(std::string(name) + "_bits and " + name + "_primes are both given; give one of them");
        return;
    }
    for (const int size : bits) {
        if (size < 2 || size > max_modulus_bits) {
            problems.add(std::string(name) + "_bits: expected sizes of 2 ... 50 bits, found " +
                         std::to_string(size));
            continue;
        }
        try {
            primes.push_back(ntt_primes(n, size, 1, taken).front());
            taken.push_back(primes.back());
        } catch (const Error& error) {
            problems.add(std::string(name) + "_bits: " + error.what());
        }
    }
    bits.clear();
}

void check_primes(std::size_t n, const std::vector<std::uint64_t>& primes, const char* name,
                  Problems& problems) {
    for (const std::uint64_t prime : primes) {
        if (prime >> max_modulus_bits != 0 || prime < 2 || prime % (2 * n) != 1 || !is_prime(prime)) {
            problems.add(std::string(name) + ": expected primes below 2^50 that are 1 modulo 2n = " +
                         std::to_string(2 * n) + ", found " + std::to_string(prime) + "; give " + name +
                         " by size in bits and the library picks them");
        }
    }
}

}  // namespace

std::vector<PlainModulus> all_plain_moduli(const Parameters& parameters) {
    std::vector<PlainModulus> all;
    for (const std::uint64_t t : parameters.plain_moduli) {
        all.emplace_back(t);
    }
    all.insert(all.end(), parameters.plain_polynomials.begin(), parameters.plain_polynomials.end());
    return all;
}

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
    parameters.digit_limbs = read_integer(json, source, "digit_limbs", parameters.digit_limbs, max_primes);
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

Parameters resolve(const Parameters& parameters) {
    Parameters resolved = parameters;
    Problems problems;
    const std::size_t n = parameters.n;
    if (!std::has_single_bit(n) || n < min_ntt_size || n > max_ntt_size) {
        problems.add("n: expected a power of two in 16 ... 32768, found " + std::to_string(n) +
                     "; 8192 suits two multiplications, 16384 four or five");
        problems.raise();
    }
    std::vector<std::uint64_t> taken;
    for (const auto* list : {&parameters.data_primes, &parameters.special_primes, &parameters.plain_moduli}) {
        taken.insert(taken.end(), list->begin(), list->end());
    }
    choose_primes(n, resolved.data_bits, resolved.data_primes, taken, "data", problems);
    choose_primes(n, resolved.special_bits, resolved.special_primes, taken, "special", problems);
    std::vector<std::uint64_t> chosen_plain;
    choose_primes(n, resolved.plain_bits, chosen_plain, taken, "plain", problems);
    resolved.plain_moduli.insert(resolved.plain_moduli.end(), chosen_plain.begin(), chosen_plain.end());

    check_primes(n, resolved.data_primes, "data_primes", problems);
    check_primes(n, resolved.special_primes, "special_primes", problems);
    if (resolved.data_primes.empty() && problems.none()) {
        problems.add(
            "data_bits: there are no ciphertext primes; give at least one, for example [50, 50, 50]");
    }
    if (resolved.data_primes.size() + resolved.special_primes.size() > max_primes) {
        problems.add("data and special primes: expected at most " + std::to_string(max_primes) + ", found " +
                     std::to_string(resolved.data_primes.size() + resolved.special_primes.size()));
    }
    std::set<std::uint64_t> seen;
    for (const auto* list : {&resolved.data_primes, &resolved.special_primes}) {
        for (const std::uint64_t prime : *list) {
            if (!seen.insert(prime).second) {
                problems.add("the prime " + std::to_string(prime) + " occurs twice; primes must differ");
            }
        }
    }
    const bool primes_valid = problems.none();  // so that Q and P can be judged as well
    if (resolved.digit_limbs < 1 || resolved.digit_limbs > max_primes) {
        problems.add("digit_limbs: expected 1 ... " + std::to_string(max_primes) + ", found " +
                     std::to_string(resolved.digit_limbs));
    }
    const std::size_t plain_count = resolved.plain_moduli.size() + resolved.plain_polynomials.size();
    if (plain_count > max_plain_moduli) {
        problems.add("plain moduli: expected at most " + std::to_string(max_plain_moduli) + ", found " +
                     std::to_string(plain_count));
    }
    std::set<std::uint64_t> seen_plain;
    for (const std::uint64_t t : resolved.plain_moduli) {
        if (t < 2 || t >> max_modulus_bits != 0) {
            problems.add("plain_moduli: expected 2 <= t < 2^50, found " + std::to_string(t));
        } else if (!seen_plain.insert(t).second) {
            problems.add("plain_moduli: " + std::to_string(t) + " occurs twice; give it once");
        } else if (primes_valid && std::any_of(resolved.data_primes.begin(), resolved.data_primes.end(),
                                               [t](std::uint64_t q) { return t % q == 0; })) {
            problems.add("plain_moduli: " + std::to_string(t) +
                         " shares a factor with a data prime; choose a t coprime to all of them");
        }
    }
    check_binomials(resolved, primes_valid, problems);
    if (!primes_valid) {
        problems.raise();
    }

    mpz_class q = 1;
    mpz_class qp = 1;
    mpz_class p = 1;
    mpz_class largest_digit = 1;
    mpz_class digit = 1;
    for (std::size_t i = 0; i < resolved.data_primes.size(); ++i) {
        digit = i % std::max<std::size_t>(resolved.digit_limbs, 1) == 0 ? mpz_class(1) : digit;
        digit *= to_mpz(resolved.data_primes[i]);
        q *= to_mpz(resolved.data_primes[i]);
        largest_digit = std::max(largest_digit, digit);
    }
    for (const std::uint64_t prime : resolved.special_primes) {
        p *= to_mpz(prime);
    }
    qp = q * p;
    const std::size_t log_qp = mpz_sizeinbase(qp.get_mpz_t(), 2);
    if (problems.none() && !resolved.special_primes.empty() && special_primes_are_too_small(resolved)) {
        problems.add("special primes: their product has " + std::to_string(mpz_sizeinbase(p.get_mpz_t(), 2)) +
                     " bits, a key-switching digit " +
                     std::to_string(mpz_sizeinbase(largest_digit.get_mpz_t(), 2)) +
                     ": switching the key of a fresh ciphertext drowns the message; use larger or more "
                     "special primes, or a smaller digit_limbs");
    }
    // Multiplication works modulo the data primes and as many helper primes just below 2^50 as n Q needs.
    // A binomial takes a little more, by |b| + 1.
    const std::size_t growth =
        resolved.plain_polynomials.empty() ? 0 : std::bit_width(std::uint64_t{max_plain_base});
    const std::size_t helpers =
        (mpz_sizeinbase(q.get_mpz_t(), 2) + std::bit_width(n) + growth) / max_modulus_bits + 1;
    if (resolved.data_primes.size() + helpers > max_product_primes) {
        problems.add("data primes: " + std::to_string(resolved.data_primes.size()) + " of them, with the " +
                     std::to_string(helpers) + " helper primes of a multiplication, are more than " +
                     std::to_string(max_product_primes) + "; use fewer, larger ones");
    }
    for (const std::uint64_t t : resolved.plain_moduli) {
        if (q <= 2 * to_mpz(t)) {
            problems.add("plain_moduli: t = " + std::to_string(t) +
                         " leaves no room below Q; use more data primes");
        }
    }
    if (!resolved.allow_insecure) {
        if (resolved.security != 128 && resolved.security != 192 && resolved.security != 256) {
            problems.add("security: expected 128, 192 or 256, found " + std::to_string(resolved.security));
        } else {
            const int limit = max_log_qp(n, resolved.security);
            if (limit == 0) {
                problems.add("n: the 2024 guidelines list no modulus for n = " + std::to_string(n) + " at " +
                             std::to_string(resolved.security) +
                             " bits; use n = 1024 ... 32768, or say allow_insecure for experiments");
            } else if (log_qp > static_cast<std::size_t>(limit)) {
                problems.add(
                    "security: log2(QP) = " + std::to_string(log_qp) + ", but n = " + std::to_string(n) +
                    " gives " + std::to_string(resolved.security) + " bits only up to " +
                    std::to_string(limit) +
                    " (2024 guidelines, special primes counted); use smaller or fewer primes, a larger n, "
                    "or say allow_insecure for experiments");
            }
        }
    }
    problems.raise();
    return resolved;
}

}  // namespace lacuna
