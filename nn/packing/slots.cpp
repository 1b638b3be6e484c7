// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/packing/slots.h>

#include <algorithm>

#include <lacuna/nn/model/expanded_model.h>
#include <lacuna/nn/model/ranges.h>
#include <lacuna/nn/packing/plain_moduli.h>
#include <lacuna/ntt/gmp_words.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

PackingBounds SlotsPacking::bounds(const ExpandedModel& model) {
    return {slot_ranges(model).largest_logit(), 0, 0};
}

bool SlotsPacking::fits(std::size_t /*n*/, const PackingBounds& /*bounds*/, std::size_t /*classes*/) {
    return true;
}

std::optional<std::string> SlotsPacking::obstacle(const PackingBounds& /*bounds*/, std::size_t /*classes*/) {
    return std::nullopt;
}

std::vector<std::uint64_t> SlotsPacking::plain_moduli(std::size_t n, std::size_t count,
                                                      const mpz_class& needed) {
    return neighbouring_primes(n, count, needed);
}

std::string SlotsPacking::reason(std::size_t n, std::size_t batch) {
    const std::string share =
        "packing: slots, up to " + std::to_string(n) + " images share every ciphertext; ";
    if (batch > n) {
        return share + std::to_string(batch) + " are " + std::to_string((batch + n - 1) / n) + " requests";
    }
    return share + "a request of " + std::to_string(batch) + " costs the same";
}

std::vector<Monomial> SlotsPacking::monomials(const mpz_class& value, const Modulus& t) {
    const std::int64_t centred = t.centre(residue(value, t));
    return centred == 0 ? std::vector<Monomial>{} : std::vector{Monomial{centred, 0}};
}

double SlotsPacking::weight(const mpz_class& value, const std::vector<std::uint64_t>& moduli) {
    double largest = 0;
    for (const std::uint64_t t : moduli) {
        if (const mpz_class magnitude = abs(value); magnitude <= to_mpz(t / 2)) {
            largest = std::max(largest, magnitude.get_d());
            continue;
        }
        mpz_class r;
        mpz_fdiv_r(r.get_mpz_t(), value.get_mpz_t(), to_mpz(t).get_mpz_t());
        largest = std::max(largest, std::min(r, mpz_class(to_mpz(t) - r)).get_d());
    }
    return largest;
}

double SlotsPacking::weight(std::int64_t value, const std::vector<std::uint64_t>& moduli) {
    const auto magnitude = static_cast<std::uint64_t>(std::abs(value));
    return keeps_integers(magnitude, moduli) ? static_cast<double>(magnitude)
                                             : weight(to_signed_mpz(value), moduli);
}

bool SlotsPacking::keeps_integers(std::uint64_t magnitude, const std::vector<std::uint64_t>& moduli) {
    return magnitude <= *std::min_element(moduli.begin(), moduli.end()) / 2;
}

SparseProduct SlotsPacking::compile(const LinearMap& map, std::size_t n, const Modulus& t,
                                    std::uint64_t factor) {
    return elementwise_layer(map, n, t, factor, monomials);
}

}  // namespace lacuna
