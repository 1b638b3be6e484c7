// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/plan/parameter_search.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>

#include <lacuna/he/fv/advisor.h>
#include <lacuna/he/rlwe/security.h>
#include <lacuna/nn/packing/rules.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/error.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

namespace {

constexpr int chains_tried = 10;  // sizes of Q looked at, beyond the first that decrypts

constexpr int packed_chains_tried = 8;
constexpr std::size_t least_packed_slots = 256;
constexpr std::size_t least_shared_slots = 16;   // of one of several images that share ciphertexts
constexpr std::size_t most_rotation_keys = 256;  // as a client's half of a plan can list

int smallest_prime_bits(std::size_t n) {
    return std::countr_zero(n) + 5;
}

/// Bits that a coefficient of both parts of the reply takes.
double reply_bits(const Candidate& candidate) {
    const std::array<int, 2> dropped = candidate.droppable_bits();
    double bits = -dropped[0] - dropped[1];
    for (std::size_t i = 0; i < candidate.circuit.reply_limbs; ++i) {
        bits += 2.0 * std::bit_width(candidate.parameters.data_primes[i]);
    }
    return bits;
}

/// Sizes of `limbs` data primes of `total` bits: nearly equal ones; a first one as large as can be, on which
/// the reply may fit alone; a last one as small as the noise of the first product, which can drop it for
/// nothing.
std::vector<std::vector<int>> chains_of(int total, std::size_t limbs, int smallest_prime) {
    std::vector<std::vector<int>> chains = {even_chain(total)};
    if (limbs > 1 && total > max_modulus_bits) {
        std::vector<int> chain = even_chain(total - max_modulus_bits);
        chain.insert(chain.begin(), max_modulus_bits);
        chains.push_back(std::move(chain));
    }
    for (int last = smallest_prime; limbs > 1 && last < total / static_cast<int>(limbs); last += 4) {
        std::vector<int> chain = even_chain(total - last);
        chain.push_back(last);
        chains.push_back(std::move(chain));
    }
    std::erase_if(chains, [limbs](const std::vector<int>& chain) { return chain.size() != limbs; });
    return chains;
}

/// The circuit under these parameters, ciphertext primes given by size, if it decrypts.
std::optional<Candidate> try_chain(std::span<const Stage> stages, ProgramSetting setting) {
    if (!plan_circuit(stages, setting)) {
        return std::nullopt;
    }
    // Once more with the primes themselves, which fall a little short of their sizes. Not every size has
    // primes, and not every set of them makes a scheme: then larger ones may.
    try {
        setting.parameters = resolve(setting.parameters);
    } catch (const Error&) {
        return std::nullopt;
    }
    std::optional<Circuit> circuit = plan_circuit(stages, setting);
    if (!circuit) {
        return std::nullopt;
    }
    Candidate candidate;
    candidate.parameters = setting.parameters;
    candidate.circuit = std::move(*circuit);
    candidate.packing = setting.packing;
    candidate.keyless = setting.keyless;
    candidate.request_cost =
        candidate.circuit.cost() * static_cast<double>(all_plain_moduli(candidate.parameters).size());
    return candidate;
}

/// What travels beside the work, by coefficients: the reply, and in the packed packing, where they weigh as
/// much or more, an upload and a key.
double traffic_bits(const Candidate& candidate) {
    double bits = reply_bits(candidate);
    if (candidate.packing == Packing::packed) {
        for (const std::uint64_t prime : candidate.parameters.data_primes) {
            bits += 2 * std::bit_width(prime);
        }
        for (const std::uint64_t prime : candidate.parameters.special_primes) {
            bits += std::bit_width(prime);
        }
    }
    return bits;
}

/// Less work, or less to send for the same work.
bool is_better(const Candidate& a, const Candidate& b) {
    constexpr double same = 1.001;
    if (a.request_cost * same < b.request_cost) {
        return true;
    }
    return a.request_cost <= b.request_cost * same && traffic_bits(a) < traffic_bits(b);
}

/// What every chain of a search has in common. moduli: ProgramSetting::moduli.
ProgramSetting setting_of(const PlanRequest& request, std::size_t n, Packing packing, std::size_t moduli) {
    ProgramSetting setting;
    setting.parameters.n = n;
    setting.parameters.security = request.security;
    setting.packing = packing;
    setting.privacy_bits = request.privacy_bits;
    setting.public_encryption = request.public_encryption;
    setting.moduli = moduli;
    return setting;
}

/// The better one of `best` and the best chain of `limbs` primes, for keys whose digits have the setting's
/// number of primes. special_of, chains_of: the size of a special prime, and the chains to try, for a total
/// size; most: how many total sizes that fit are tried.
void search_sizes(std::span<const Stage> stages, ProgramSetting setting, std::size_t limbs, int most,
                  const std::function<int(int)>& special_of,
                  const std::function<std::vector<std::vector<int>>(int)>& chains_of_total,
                  const std::stop_token& stop, std::optional<Candidate>& best) {
    const int smallest_prime = smallest_prime_bits(setting.parameters.n);
    // Total sizes from small to large: a smaller Q needs fewer helper primes, a few bits more may let a prime
    // go earlier or make the reply shorter.
    int fitting = 0;
    const int least = std::max(static_cast<int>(limbs) * smallest_prime,
                               static_cast<int>(limbs - 1) * max_modulus_bits + 1);
    for (int total = least; total <= static_cast<int>(limbs) * max_modulus_bits && fitting < most; ++total) {
        const int special = special_of(total);
        if (special < smallest_prime) {
            break;
        }
        setting.parameters.special_bits.assign(setting.keyless ? 0 : setting.parameters.digit_limbs, special);
        bool fits = false;
        for (const std::vector<int>& chain : chains_of_total(total)) {
            check_stop(stop);
            setting.parameters.data_bits = chain;
            std::optional<Candidate> candidate = try_chain(stages, setting);
            fits = fits || candidate;
            if (candidate && (!best || is_better(*candidate, *best))) {
                best = std::move(candidate);
            }
        }
        fitting += fits ? 1 : 0;
    }
}

/// A chain of as few primes as possible for which the circuit decrypts, for this n and these plaintext
/// moduli.
std::optional<Candidate> shortest_chain(std::span<const Stage> stages, const PlanRequest& request,
                                        ProgramSetting setting, const std::stop_token& stop) {
    const std::size_t n = setting.parameters.n;
    const int limit = max_log_qp(n, request.security);
    std::optional<Candidate> best;
    for (std::size_t limbs = 1; !best && static_cast<int>(limbs) * smallest_prime_bits(n) < limit; ++limbs) {
        for (const std::size_t digit_limbs : {std::size_t{1}, std::size_t{2}, std::size_t{3}}) {
            if (digit_limbs == 1 || (limbs >= 3 * digit_limbs && !setting.keyless)) {
                setting.parameters.digit_limbs = digit_limbs;
                const auto special_of = [&](int total) {
                    if (setting.keyless) {  // none: as long as Q itself fits
                        return total <= limit ? max_modulus_bits : 0;
                    }
                    return std::min(max_modulus_bits, (limit - total) / static_cast<int>(digit_limbs));
                };
                const auto chains = [&](int total) {
                    return chains_of(total, limbs, smallest_prime_bits(n));
                };
                search_sizes(stages, setting, limbs, chains_tried, special_of, chains, stop, best);
            }
        }
    }
    return best;
}

/// Nearly equal primes, and a first one as large as can be, on which the last layer may run alone.
std::vector<std::vector<int>> packed_chains_of(int total, std::size_t limbs) {
    std::vector<std::vector<int>> chains = {even_chain(total)};
    if (limbs > 1) {
        chains.push_back(even_chain(total - max_modulus_bits));
        chains.back().insert(chains.back().begin(), max_modulus_bits);
    }
    std::erase_if(chains, [limbs](const std::vector<int>& chain) { return chain.size() != limbs; });
    return chains;
}

/// Sets of ciphertexts of a request in the packed packing, where so many images share one.
std::size_t packed_sets(const PlanRequest& request, std::size_t images) {
    return (packed_batch(request) + images - 1) / images;
}

/// The same for a network in the packed packing: how good a chain is, is a matter of time and of what keys
/// and uploads weigh, so that special primes are no larger than data primes.
std::optional<Candidate> shortest_packed_chain(std::span<const Stage> stages, const PlanRequest& request,
                                               std::size_t n, const PlainModulus& t, std::size_t images,
                                               const std::stop_token& stop) {
    // A reply for every set.
    ProgramSetting setting = setting_of(request, n, Packing::packed, packed_sets(request, images));
    setting.parameters.plain_polynomials = {t};
    const int limit = max_log_qp(n, request.security);
    std::optional<Candidate> best;
    for (std::size_t limbs = 1; !best && static_cast<int>(limbs) * smallest_prime_bits(n) < limit; ++limbs) {
        const int count = static_cast<int>(limbs);
        const auto special_of = [&](int total) {
            return std::min({(total + count - 1) / count + 1, max_modulus_bits, limit - total});
        };
        const auto chains = [&](int total) { return packed_chains_of(total, limbs); };
        search_sizes(stages, setting, limbs, packed_chains_tried, special_of, chains, stop, best);
    }
    return best;
}

/// Encoding needs no more of a ring than its degree.
void measure(PackedNetwork& network, std::size_t n, const PlainModulus& t, const std::stop_token& stop) {
    Parameters parameters;
    parameters.n = n;
    parameters.data_bits = {max_modulus_bits};
    parameters.plain_polynomials = {t};
    parameters.allow_insecure = true;
    const Context context(parameters);
    network.measure(BinomialEncoder(context), n, stop);
}

/// The search for the cheapest ring and binomial for a model laid out in slots.
class PackedSearch {
  public:
    PackedSearch(const ExpandedModel& model, const PlanRequest& request, const PackingBounds& bounds)
        : model_(model), request_(request), needed_(2 * bounds.range + 1) {}

    /// Norms of diagonals are those of random ones until there is a winner; its own decide whether it
    /// decrypts.
    [[nodiscard]] std::optional<Candidate> best(double limit) {
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t n = 2048; n <= max_ntt_size; n *= 2) {
            try_ring(n);
            const double cost = least_cost();
            // A larger ring is slower for one image, and rarely holds more for its time.
            if (!choices_.empty() && (request_.batch == 1 || cost >= least)) {
                break;
            }
            least = cost;
        }
        std::ranges::stable_sort(choices_, {}, [](const Choice& c) { return c.candidate.request_cost; });
        for (const Choice& choice : choices_) {
            if (choice.candidate.request_cost >= limit) {
                return std::nullopt;
            }
            if (std::optional<Candidate> candidate = measured(choice)) {
                return candidate;
            }
        }
        if (choices_.empty() && !obstacle_.empty()) {
            throw Error(obstacle_);
        }
        return std::nullopt;
    }

  private:
    struct Choice {
        Candidate candidate;
        PlainModulus t;
    };

    [[nodiscard]] double least_cost() const {
        double least = std::numeric_limits<double>::infinity();
        for (const Choice& choice : choices_) {
            least = std::min(least, choice.candidate.request_cost);
        }
        return least;
    }

    /// For rows of one image of every length, as many images as share a ciphertext and decrypt: half as many
    /// cost nearly twice as much each.
    void try_ring(std::size_t n) {
        const std::size_t elements = model_.shapes().front().size();
        for (std::size_t slots = least_shared_slots; slots <= n / 4; slots *= 2) {
            if (slots < least_packed_slots && (request_.batch == 1 || elements > slots)) {
                continue;
            }
            const std::size_t least = slots < least_packed_slots ? 2 : 1;
            for (std::size_t images = std::min(std::bit_ceil(packed_batch(request_)), n / 2 / slots);
                 images >= least && !try_slots(n, slots, images); images /= 2) {
            }
        }
    }

    /// Whether it decrypts.
    bool try_slots(std::size_t n, std::size_t slots, std::size_t images) {
        const std::optional<PlainModulus> t = PackedPacking::plain_modulus(n, slots * images, needed_);
        const std::shared_ptr<const PackedNetwork> network = t ? network_of(slots) : nullptr;
        if (!network || network->steps().size() > most_rotation_keys) {
            return false;
        }
        std::optional<Candidate> candidate =
            chain_for(packed_stages_of(model_, *network, n, *t), n, *t, images);
        if (!candidate) {
            return false;
        }
        candidate->network = network;
        candidate->images = images;
        choices_.push_back({std::move(*candidate), *t});
        return true;
    }

    [[nodiscard]] std::optional<Candidate> chain_for(const std::vector<Stage>& stages, std::size_t n,
                                                     const PlainModulus& t, std::size_t images) const {
        std::optional<Candidate> candidate =
            shortest_packed_chain(stages, request_, n, t, images, model_.stop());
        if (candidate) {
            candidate->request_cost *= static_cast<double>((request_.batch + images - 1) / images);
        }
        return candidate;
    }

    [[nodiscard]] std::optional<Candidate> measured(const Choice& choice) const {
        const std::size_t n = choice.candidate.parameters.n;
        const std::size_t images = choice.candidate.images;
        PackedNetwork network = choice.candidate.network->interleaved(images);
        measure(network, n, choice.t, model_.stop());
        std::vector<Stage> stages = packed_stages_of(model_, network, n, choice.t);
        std::optional<Candidate> candidate = chain_for(stages, n, choice.t, images);
        if (candidate) {
            candidate->stages = std::move(stages);
            candidate->network = std::make_shared<PackedNetwork>(std::move(network));
            candidate->images = images;
        }
        return candidate;
    }

    /// For one image; null where it has no room.
    std::shared_ptr<const PackedNetwork> network_of(std::size_t slots) {
        const auto [found, fresh] = networks_.try_emplace(slots);
        if (fresh) {
            try {
                found->second = std::make_shared<const PackedNetwork>(model_, slots);
            } catch (const Stopped&) {
                throw;
            } catch (const Error& error) {
                obstacle_ = error.what();
            }
        }
        return found->second;
    }

    const ExpandedModel& model_;
    const PlanRequest& request_;
    mpz_class needed_;
    std::map<std::size_t, std::shared_ptr<const PackedNetwork>> networks_;  // by slots
    std::string obstacle_;
    std::vector<Choice> choices_;
};

}  // namespace

std::size_t packed_batch(const PlanRequest& request) {
    return std::min(request.batch, PackedPacking::most_images(0));
}

std::array<int, 2> Candidate::droppable_bits() const {
    if (circuit.reply_limbs != 1 || circuit.reply_parts != 2) {
        return {0, 0};
    }
    return NoiseModel(parameters, log_t_of(parameters), circuit.replies)
        .droppable_bits(circuit.reply_budget_bits);
}

double Candidate::reply_budget_bits(const std::array<int, 2>& dropped) const {
    return NoiseModel(parameters, log_t_of(parameters), circuit.replies)
        .budget_without_bits(circuit.reply_budget_bits, dropped);
}

std::optional<Candidate> best_candidate(const ExpandedModel& model, const PlanRequest& request,
                                        Packing packing, const PackingBounds& bounds, double limit) {
    if (packing == Packing::packed) {
        return PackedSearch(model, request, bounds).best(limit);
    }
    const IntegerRules rules = integer_rules_of(packing);
    const mpz_class needed = 2 * bounds.range + 1;
    // Weights rarely reach t / 2: then the stages are the same for all moduli.
    const mpz_class large_enough = 2 * largest_weight(model.model());
    const std::vector<Stage> usual_stages =
        stages_of(model, packing, {(std::uint64_t{1} << max_modulus_bits) - 1});
    std::optional<Candidate> best;
    for (std::size_t n = 2048; n <= max_ntt_size; n *= 2) {
        if (!std::visit([&](const auto& r) { return r.fits(n, bounds, model.classes()); }, rules)) {
            continue;
        }
        const std::size_t capacity = std::visit([&](const auto& r) { return r.most_images(n); }, rules);
        const double requests = std::ceil(static_cast<double>(request.batch) / static_cast<double>(capacity));
        for (std::size_t count = 1; count <= PlanLimits::plain_moduli; ++count) {
            if (request.plain_moduli != 0 && request.plain_moduli != count) {
                continue;
            }
            const std::vector<std::uint64_t> moduli =
                std::visit([&](const auto& r) { return r.plain_moduli(n, count, needed); }, rules);
            if (moduli.empty()) {
                continue;
            }
            const bool usual = to_mpz(*std::min_element(moduli.begin(), moduli.end())) > large_enough;
            const std::vector<Stage> stages = usual ? usual_stages : stages_of(model, packing, moduli);
            ProgramSetting setting = setting_of(request, n, packing, moduli.size());
            setting.parameters.plain_moduli = moduli;
            std::optional<Candidate> candidate = shortest_chain(stages, request, setting, model.stop());
            if (!candidate) {
                continue;
            }
            candidate->request_cost *= requests;
            candidate->stages = stages;
            if (!best || candidate->request_cost < best->request_cost) {
                best = std::move(candidate);
            }
        }
    }
    return best;
}

std::optional<Candidate> best_binomial(const ExpandedModel& model, const PlanRequest& request,
                                       Packing packing, const PackingBounds& bounds) {
    const mpz_class needed = 2 * bounds.range + 1;
    std::optional<Candidate> best;
    for (std::size_t n = 2048; n <= max_ntt_size; n *= 2) {
        // The fewest slots that hold the batch have the longest digits, but a smaller b may have more slots.
        const bool radix = packing == Packing::radix;
        const std::size_t most = radix ? 1 : n / 2;
        std::size_t requests = 0;
        std::int64_t least_base = max_plain_base;
        for (std::size_t k = radix ? 1 : std::bit_ceil(std::clamp<std::size_t>(request.batch, 2, most));
             k <= most; k *= 2) {
            const BinomialPacking rules(k);
            const std::optional<PlainModulus> t =
                rules.fits(n, bounds, model.classes()) ? rules.plain_modulus(n, needed) : std::nullopt;
            if (!t || t->base() >= least_base) {
                continue;
            }
            least_base = t->base();
            const std::vector<Stage> stages = binomial_stages_of(model, *t, n);
            ProgramSetting setting = setting_of(request, n, packing, 1);
            setting.parameters.plain_polynomials = {*t};
            std::optional<Candidate> candidate = shortest_chain(stages, request, setting, model.stop());
            setting.keyless = true;
            std::optional<Candidate> keyless = shortest_chain(stages, request, setting, model.stop());
            if (keyless && (!candidate || keyless->request_cost < candidate->request_cost)) {
                candidate = std::move(keyless);
            }
            if (!candidate) {
                continue;
            }
            requests = (request.batch + k - 1) / k;
            candidate->request_cost *= static_cast<double>(requests);
            candidate->stages = stages;
            if (!best || candidate->request_cost < best->request_cost) {
                best = std::move(candidate);
            }
        }
        if (requests == 1 || (radix && best)) {
            break;  // a larger ring is slower
        }
    }
    return best;
}

namespace {

/// Whether a client's half has the plaintext moduli that the planner chooses for these bounds.
bool has_moduli_for(const ClientPlan& client, const PackingBounds& bounds) {
    const Parameters& parameters = client.parameters;
    const mpz_class needed = 2 * bounds.range + 1;
    if (client.packing == Packing::packed) {
        const PlainModulus& t = parameters.plain_polynomials.front();
        return PackedPacking::plain_modulus(parameters.n, t.power(), needed) == t;
    }
    if (!parameters.plain_polynomials.empty()) {
        const PlainModulus& t = parameters.plain_polynomials.front();
        const BinomialPacking rules(t.power());
        return rules.fits(parameters.n, bounds, client.classes) &&
               rules.plain_modulus(parameters.n, needed) == t;
    }
    const std::size_t count = parameters.plain_moduli.size();
    return std::visit(
        [&](const auto& rules) {
            return rules.fits(parameters.n, bounds, client.classes) &&
                   rules.plain_moduli(parameters.n, count, needed) == parameters.plain_moduli;
        },
        integer_rules_of(client.packing));
}

}  // namespace

PlanRequest request_of(const ClientPlan& client, const PlanRecipe& recipe) {
    PlanRequest request;
    request.batch = recipe.batch;
    request.packing = client.packing;
    request.security = client.parameters.security;
    request.privacy_bits = client.privacy_bits;
    request.public_encryption = client.public_encryption;
    request.plain_kind =
        client.parameters.plain_polynomials.empty() ? PlainKind::integers : PlainKind::binomial;
    return request;
}

std::optional<Candidate> known_candidate(const ExpandedModel& model, const ClientPlan& client,
                                         const PlanRecipe& recipe, const PackingBounds& bounds) {
    if (!has_moduli_for(client, bounds)) {
        return std::nullopt;
    }
    Candidate candidate;
    candidate.parameters = client.parameters;
    candidate.packing = client.packing;
    const bool packed = client.packing == Packing::packed;
    candidate.stages =
        stages_again(model, client.packing, client.parameters.n, client.plain_moduli(), recipe.stages,
                     packed ? client.packed.input.ciphertexts(client.input_shape) : 0);
    const PlanRequest request = request_of(client, recipe);
    ProgramSetting setting =
        setting_of(request, client.parameters.n, client.packing,
                   packed ? packed_sets(request, client.packed.images) : client.plain_moduli().size());
    setting.parameters = client.parameters;
    setting.keyless = candidate.keyless = recipe.keyless;
    Choices choices = recipe.choices;
    choices.reply_limbs = client.reply_limbs;
    std::optional<Circuit> circuit = replay_circuit(candidate.stages, setting, choices);
    if (!circuit) {
        return std::nullopt;
    }
    candidate.circuit = std::move(*circuit);
    return candidate;
}

}  // namespace lacuna
