// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/server/plan_match.h>

#include <string>
#include <vector>

#include <lacuna/he/rlwe/key_switch.h>
#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

template <typename Number>
std::string text_of(const std::vector<Number>& numbers) {
    using std::to_string;
    std::string text;
    for (const Number& number : numbers) {
        text.append(text.empty() ? "" : ", ").append(to_string(number));
    }
    return "{" + text + "}";
}

}  // namespace

void check_context(const Context& context, const Parameters& planned) {
    const auto primes = [](const RnsBasis& basis) {
        std::vector<std::uint64_t> values;
        for (std::size_t i = 0; i < basis.size(); ++i) {
            values.push_back(basis.modulus(i).value());
        }
        return values;
    };
    const auto compare = []<typename Number>(const char* what, const std::vector<Number>& expected,
                                             const std::vector<Number>& found) {
        if (expected != found) {
            throw Error(std::string("session: the context is not the plan's: expected ") + what + " " +
                        text_of(expected) + ", found " + text_of(found) +
                        "; make the context from the plan's parameters");
        }
    };
    const Ring& ring = context.ring();
    compare("n", std::vector{planned.n}, std::vector{ring.n()});
    compare("digit_limbs", std::vector{planned.digit_limbs}, std::vector{ring.digit_limbs()});
    compare("data primes", planned.data_primes, primes(ring.data()));
    compare("special primes", planned.special_primes, primes(ring.special()));
    std::vector<PlainModulus> moduli;
    for (std::size_t m = 0; m < context.plain_count(); ++m) {
        moduli.push_back(context.plain(m).t());
    }
    compare("plaintext moduli", all_plain_moduli(planned), moduli);
}

void check_keys(const EvaluationKeys& keys, const Ring& ring, const ClientPlan& plan) {
    const auto belongs = [&](const RingHash& hash) {
        if (hash != ring.hash()) {
            throw Error(
                "session: the evaluation keys belong to other parameters than the plan's; generate keys for "
                "this plan");
        }
    };
    const auto has_limbs = [&](const RnsPolynomial& part, std::size_t limbs) {
        const std::size_t expected = limbs + ring.special().size();
        if (part.n() != ring.n() || part.limbs() != expected || part.form() != Form::ntt) {
            throw Error("session: expected keys of " + std::to_string(expected) +
                        " limbs in NTT form, found others; load or generate them again");
        }
    };
    // For ciphertexts of at least so many limbs.
    const auto switches = [&](const KeySwitchKey& key, std::size_t least) {
        const std::size_t limbs = key_limbs(ring, key);
        if (limbs < least || limbs > ring.max_limbs() || key.digits.size() != ring.digits(limbs)) {
            throw Error("session: expected key-switching keys of " + std::to_string(ring.digits(least)) +
                        " digits for ciphertexts of " + std::to_string(least) + " limbs, found " +
                        std::to_string(key.digits.size()) + " for " + std::to_string(limbs) +
                        "; load or generate them again");
        }
        for (const KeySwitchKey::Digit& digit : key.digits) {
            has_limbs(digit.a, limbs);
            has_limbs(digit.b, limbs);
        }
    };
    belongs(keys.ring);
    if (plan.relin_keys) {
        if (!keys.relin_keys) {
            throw Error(
                "session: the plan needs relinearisation keys, the client sent none; generate keys for this "
                "plan");
        }
        belongs(keys.relin_keys->ring);
        switches(keys.relin_keys->key, ring.max_limbs());
    }
    if (!plan.galois_elements.empty()) {
        belongs(keys.galois_keys.ring);
    }
    for (std::size_t i = 0; i < plan.galois_elements.size(); ++i) {
        switches(keys.galois_keys.at(plan.galois_elements[i]).key,
                 plan.galois_limbs.empty() ? ring.max_limbs() : plan.galois_limbs[i]);
    }
    if (plan.public_key) {
        if (!keys.public_key) {
            throw Error(
                "session: circuit privacy needs the client's public key among the evaluation keys; generate "
                "keys for this plan");
        }
        belongs(keys.public_key->ring);
        has_limbs(keys.public_key->a, ring.max_limbs());
        has_limbs(keys.public_key->b, ring.max_limbs());
    }
}

}  // namespace lacuna
