// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/evaluation/diagonal_product.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include <lacuna/he/evaluation/evaluator.h>
#include <lacuna/he/fv/rotation.h>
#include <lacuna/he/rlwe/key_switch.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/parallel.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

namespace {

/// Calls work(i) for i in [0, count). The parts of one product are short: no thread waits for another longer
/// than for one of them.
template <typename Work>
void in_parallel(int threads, std::size_t count, const std::stop_token& stop, const Work& work) {
    parallel_for(count, threads, [&](std::size_t i) {
        if (!stop.stop_requested()) {
            work(i);
        }
    });
}

/// P modulo the data primes.
std::vector<ShoupFactor> special_factors(const Ring& ring, std::size_t limbs) {
    const mpz_class p = ring.special().product();
    std::vector<ShoupFactor> factors;
    for (std::size_t i = 0; i < limbs; ++i) {
        const Modulus& q = ring.data().modulus(i);
        factors.emplace_back(residue(p, q), q);
    }
    return factors;
}

void check_keys(const char* operation, const Ring& ring, const GaloisKeys& keys) {
    if (keys.ring != ring.hash()) {
        throw Error(std::string(operation) +
                    ": the Galois keys belong to other parameters; load them with their own");
    }
}

/// So many pieces of the work on one prime that the threads share it evenly.
std::size_t pieces_for(int threads, std::size_t primes) {
    const auto t = static_cast<std::size_t>(std::max(threads, 1));
    return t / std::gcd(t, primes);
}

/// A rotation of something whose digits are there: its key and what the key cannot see, c_0.
struct Rotation {
    const GaloisKeys::Entry* entry = nullptr;
    RaisedDigits* digits = nullptr;
    const std::uint64_t* c0 = nullptr;  ///< P c_0 modulo the prime at hand, NTT form; null where it is 0
};

/// Scratch of one thread.
struct Rows {
    explicit Rows(std::size_t n)
        : b(Buffer::uninitialised(n)), a(Buffer::uninitialised(n)), turned(Buffer::uninitialised(n)) {}
    Buffer b;
    Buffer a;
    Buffer turned;
};

/// sigma(P c_0 + d_0) and sigma(d_1) modulo extended prime i, to out or added to it.
void rotate(const Ring& ring, const Rotation& rotation, std::size_t limbs, std::size_t i, Rows& rows,
            std::array<std::uint64_t*, 2> out, bool accumulate) {
    const std::size_t n = ring.n();
    const Modulus& q = ring.key_basis().modulus(extended_prime(ring, limbs, i));
    const Kernels& kernels = ring.kernels();
    rotation.digits->multiply(rotation.entry->key, i, rows.b.data(), rows.a.data());
    if (rotation.c0 != nullptr) {
        kernels.add(rows.b.data(), rows.b.data(), rotation.c0, n, q);
    }
    const std::uint32_t* const index = rotation.entry->automorphism.ntt_index();
    for (std::size_t part = 0; part < 2; ++part) {
        const std::uint64_t* const row = part == 0 ? rows.b.data() : rows.a.data();
        if (!accumulate) {
            kernels.gather(out[part], row, index, n);
            continue;
        }
        kernels.gather(rows.turned.data(), row, index, n);
        kernels.add(out[part], out[part], rows.turned.data(), n, q);
    }
}

Ciphertext ciphertext_of(const Ciphertext& like, Switched parts, Form form = Form::coefficient) {
    Ciphertext result;
    result.ring = like.ring;
    result.t = like.t;
    for (RnsPolynomial& part : parts) {
        part.set_form(form);
        result.parts.push_back(std::move(part));
    }
    return result;
}

}  // namespace

// ---- preparation

DiagonalProduct::DiagonalProduct(const Context& context, const BinomialEncoder& encoder, std::size_t inputs,
                                 std::size_t outputs, std::size_t limbs, std::span<const Diagonal> diagonals,
                                 const RotationSchedule& schedule, int threads)
    : DiagonalProduct(context, encoder, inputs, outputs, limbs, diagonals, schedule,
                      std::vector<bool>(diagonals.size(), true), threads) {}

DiagonalProduct::DiagonalProduct(const Context& context, const BinomialEncoder& encoder, std::size_t inputs,
                                 std::size_t outputs, std::size_t limbs, std::span<const Diagonal> diagonals,
                                 const RotationSchedule& schedule, const std::vector<bool>& wanted,
                                 int threads)
    : inputs_(inputs),
      outputs_(outputs),
      limbs_(limbs),
      wide_(schedule.babies > 0),
      extended_(outputs, schedule.babies > 0) {
    const std::size_t k = encoder.slots();
    if (schedule.terms.size() != diagonals.size() || wanted.size() != diagonals.size()) {
        throw Error("diagonal product: expected a schedule of " + std::to_string(diagonals.size()) +
                    " diagonals, found one of " + std::to_string(schedule.terms.size()));
    }
    const Evaluator evaluator(context);
    std::map<std::pair<std::size_t, int>, std::size_t> baby_index;
    std::map<std::pair<std::size_t, int>, std::size_t> group_index;
    struct Position {
        std::size_t group;
        std::size_t product;
    };
    std::vector<Position> positions;
    for (std::size_t d = 0; d < diagonals.size(); ++d) {
        const RotationSchedule::Term& term = schedule.terms[d];
        const Diagonal& diagonal = diagonals[d];
        if (diagonal.values.size() > k || term.input >= inputs || term.output >= outputs ||
            diagonal.rotation.input != term.input || diagonal.rotation.output != term.output) {
            throw Error("diagonal product: expected diagonals of at most " + std::to_string(k) +
                        " values between " + std::to_string(inputs) + " inputs and " +
                        std::to_string(outputs) + " outputs, found one of " +
                        std::to_string(diagonal.values.size()) + " from " + std::to_string(term.input) +
                        " to " + std::to_string(term.output));
        }
        extended_[term.output] = extended_[term.output] || term.giant != 0;
        if (!wanted[d]) {
            positions.push_back({0, 0});
            continue;
        }
        const auto element = [&](int steps) {
            return rotation_element(context.n(), PlainModulus::binomial(k, 2), steps);
        };
        const auto [baby, new_baby] = baby_index.try_emplace({term.input, term.baby}, babies_.size());
        if (new_baby) {
            babies_.push_back({term.input, element(term.baby)});
        }
        const auto [group, new_group] = group_index.try_emplace({term.output, term.giant}, groups_.size());
        if (new_group) {
            groups_.push_back({term.output, element(term.giant), {}});
        }
        Group& target = groups_[group->second];
        positions.push_back({group->second, target.products.size()});
        target.products.push_back({baby->second, {}});
    }
    const auto count = std::ranges::count(wanted, true);
    if (schedule.chained && count != 0 && count != std::ssize(wanted)) {
        throw Error("diagonal product: expected all diagonals of chained giant steps or none, found " +
                    std::to_string(count) + " of " + std::to_string(wanted.size()) +
                    "; steps that wait for each other have no parts");
    }
    for (std::size_t output = 0; schedule.chained && count != 0 && output < outputs; ++output) {
        const std::vector<int> giants = giants_of(schedule, output);
        auto& chain = chains_.emplace_back();
        for (std::size_t i = 0; i < giants.size(); ++i) {
            const int next = i + 1 < giants.size() ? giants[i + 1] : 0;
            chain.push_back({group_index.at({output, giants[i]}),
                             rotation_element(context.n(), PlainModulus::binomial(k, 2), giants[i] - next)});
        }
    }
    std::vector<PlainModulus> moduli(diagonals.size());
    in_parallel(threads, diagonals.size(), {}, [&](std::size_t d) {
        if (!wanted[d]) {
            return;
        }
        const Plaintext plaintext = encoder.encode(turned_values(diagonals[d], schedule.terms[d].giant, k));
        PreparedPlaintext prepared =
            wide_ ? evaluator.prepare_for_rotations(plaintext, limbs) : evaluator.prepare(plaintext, limbs);
        moduli[d] = prepared.t;
        groups_[positions[d].group].products[positions[d].product].values = std::move(prepared.values);
    });
    const auto first = std::ranges::find(wanted, true);
    t_ = first == wanted.end() ? PlainModulus() : moduli[static_cast<std::size_t>(first - wanted.begin())];
}

std::size_t DiagonalProduct::bytes() const {
    std::size_t bytes = 0;
    for (const Group& group : groups_) {
        for (const Product& product : group.products) {
            bytes += product.values.n() * product.values.limbs() * sizeof(std::uint64_t);
        }
    }
    return bytes;
}

void DiagonalProduct::check(const Context& context, std::span<const Ciphertext> inputs) const {
    const Ring& ring = context.ring();
    const bool fits = std::ranges::all_of(inputs, [&](const Ciphertext& input) {
        return input.ring == ring.hash() && input.size() == 2 && (groups_.empty() || input.t == t_) &&
               input.t == inputs.front().t && input.has_shape(ring.n(), limbs_, Form::coefficient);
    });
    if (inputs.empty() || inputs.size() != inputs_ || !fits) {
        throw Error(
            "diagonal product: expected " + std::to_string(inputs_) + " ciphertexts of this ring, size 2, " +
            std::to_string(limbs_) + " limbs, coefficient form and modulo " + to_string(t_) + ", found " +
            std::to_string(inputs.size()) + " that are not; relinearize them, or compile for their level");
    }
}

// ---- running

class DiagonalProduct::Run {
  public:
    Run(const DiagonalProduct& product, const Ring& ring, std::span<const Ciphertext> inputs,
        const GaloisKeys& keys, int threads, const std::stop_token& stop)
        : product_(product),
          ring_(ring),
          inputs_(inputs),
          keys_(keys),
          threads_(threads),
          stop_(stop),
          n_(ring.n()),
          limbs_(product.limbs_),
          extended_(limbs_ + ring.special().size()),
          rows_(product.wide_ ? extended_ : limbs_),
          special_(special_factors(ring, limbs_)) {
        for (const Baby& baby : product.babies_) {
            baby_entries_.push_back(baby.element == 1 ? nullptr : &keys.at(baby.element));
        }
        for (const Group& group : product.groups_) {
            group_entries_.push_back(chained() || group.element == 1 ? nullptr : &keys.at(group.element));
        }
        for (const auto& chain : product.chains_) {
            auto& entries = link_entries_.emplace_back();
            for (const Link& link : chain) {
                entries.push_back(link.element == 1 ? nullptr : &keys.at(link.element));
            }
        }
    }

    std::vector<Ciphertext> run() {
        prepare();
        std::vector<Ciphertext> results;
        for (std::size_t o = 0; o < product_.outputs_; ++o) {
            results.push_back(chained() ? chained_output(o) : output(o));
        }
        return results;
    }

    std::vector<Ciphertext> partial_sums(std::span<const std::size_t> outputs) {
        prepare();
        std::vector<Ciphertext> results;
        for (const std::size_t o : outputs) {
            results.push_back(partial_sum(o));
        }
        return results;
    }

  private:
    using Pair = std::array<std::vector<Buffer>, 2>;  // [part][prime], NTT form

    [[nodiscard]] const Modulus& modulus(std::size_t i) const {
        return ring_.key_basis().modulus(extended_prime(ring_, limbs_, i));
    }
    [[nodiscard]] const NttTables& tables(std::size_t i) const {
        return ring_.key_basis().tables(extended_prime(ring_, limbs_, i));
    }
    [[nodiscard]] Pair pair(std::size_t primes) const {
        Pair result;
        for (auto& part : result) {
            for (std::size_t i = 0; i < primes; ++i) {
                part.push_back(Buffer::uninitialised(n_));
            }
        }
        return result;
    }

    /// The parts of every input, times P where products are modulo Q P, and the digits of those that turn.
    void transform_inputs() {
        transformed_.resize(inputs_.size());
        digits_.resize(inputs_.size());
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            transformed_[i] = pair(limbs_);
        }
        for (std::size_t b = 0; b < product_.babies_.size(); ++b) {
            const std::size_t input = product_.babies_[b].input;
            if (baby_entries_[b] != nullptr && digits_[input].empty()) {
                for (std::size_t i = 0; i < rows_; ++i) {
                    digits_[input].push_back(std::make_unique<RaisedDigits>(ring_, inputs_[input].parts[1]));
                }
            }
        }
        in_parallel(threads_, inputs_.size() * rows_, stop_, [&](std::size_t task) {
            const std::size_t input = task / rows_;
            const std::size_t i = task % rows_;
            if (!digits_[input].empty()) {
                (void)digits_[input][i]->modulo(i);
            }
            for (std::size_t part = 0; i < limbs_ && part < 2; ++part) {
                std::uint64_t* const row = transformed_[input][part][i].data();
                const std::uint64_t* source = inputs_[input].parts[part].limb(i);
                if (product_.wide_) {
                    ring_.kernels().multiply_scalar(row, source, n_, special_[i], modulus(i));
                    source = row;
                }
                tables(i).forward({source, n_}, {row, n_});
            }
        });
    }

    void rotate_inputs() {
        const std::size_t babies = product_.babies_.size();
        rotated_.resize(babies);
        for (std::size_t b = 0; b < babies; ++b) {
            if (baby_entries_[b] != nullptr) {
                rotated_[b] = pair(rows_);
            }
        }
        in_parallel(threads_, babies * rows_, stop_, [&](std::size_t task) {
            const std::size_t b = task % babies;
            const std::size_t i = task / babies;
            if (baby_entries_[b] == nullptr) {
                return;
            }
            const std::size_t input = product_.babies_[b].input;
            Rows rows(n_);
            rotate(ring_,
                   {baby_entries_[b], digits_[input][i].get(),
                    i < limbs_ ? transformed_[input][0][i].data() : nullptr},
                   limbs_, i, rows, {rotated_[b][0][i].data(), rotated_[b][1][i].data()}, false);
        });
    }

    /// Row i of a baby's part; null where it is 0: P c modulo P.
    [[nodiscard]] const std::uint64_t* baby_row(std::size_t b, std::size_t part, std::size_t i) const {
        if (baby_entries_[b] != nullptr) {
            return rotated_[b][part][i].data();
        }
        return i < limbs_ ? transformed_[product_.babies_[b].input][part][i].data() : nullptr;
    }

    void sum_products() {
        const std::size_t groups = product_.groups_.size();
        sums_.resize(groups);
        for (Pair& sum : sums_) {
            sum = pair(rows_);
        }
        in_parallel(threads_, groups * rows_, stop_,
                    [&](std::size_t task) { sum_products(task % groups, task / groups); });
    }

    /// In pieces that leave diagonals in the first-level cache for the second part.
    void sum_products(std::size_t g, std::size_t i) {
        constexpr std::size_t piece = 1024;
        constexpr std::size_t most = 64;  // of Kernels::dot
        const std::vector<Product>& products = product_.groups_[g].products;
        std::array<const std::uint64_t*, most> values{};
        std::array<const std::uint64_t*, most> rows{};
        Buffer more = Buffer::uninitialised(std::min(piece, n_));
        for (std::size_t begin = 0; begin < n_; begin += piece) {
            const std::size_t size = std::min(piece, n_ - begin);
            for (std::size_t part = 0; part < 2; ++part) {
                std::uint64_t* const out = sums_[g][part][i].data() + begin;
                bool first = true;
                for (std::size_t next = 0; next < products.size();) {
                    std::size_t count = 0;
                    for (; next < products.size() && count < most; ++next) {
                        const std::uint64_t* const row = baby_row(products[next].baby, part, i);
                        if (row != nullptr) {
                            rows[count] = row + begin;
                            values[count++] = products[next].values.limb(i) + begin;
                        }
                    }
                    if (count == 0) {
                        continue;
                    }
                    ring_.kernels().dot(first ? out : more.data(), rows.data(), values.data(), count, size,
                                        modulus(i));
                    if (!first) {
                        ring_.kernels().add(out, out, more.data(), size, modulus(i));
                    }
                    first = false;
                }
                if (first) {
                    std::fill_n(out, size, 0);
                }
            }
        }
    }

    /// The part that giant rotations switch, divided by P. The other one is turned as it is.
    void divide_giants() {
        switched_.resize(sums_.size());
        in_parallel(threads_, sums_.size(), stop_, [&](std::size_t g) {
            if (group_entries_[g] == nullptr) {
                return;
            }
            RnsPolynomial c = RnsPolynomial::uninitialised(n_, limbs_, Form::coefficient);
            std::vector<const std::uint64_t*> dropped;
            std::vector<std::uint64_t*> kept;
            for (std::size_t i = 0; i < rows_; ++i) {
                Buffer& row = sums_[g][1][i];
                tables(i).inverse(row.span());
                if (i < limbs_) {
                    std::copy_n(row.data(), n_, c.limb(i));
                    kept.push_back(c.limb(i));
                } else {
                    dropped.push_back(row.data());
                }
            }
            if (product_.wide_) {
                ring_.special_divider().divide(dropped, kept, n_);
            }
            switched_[g] = std::move(c);
        });
    }

    void prepare() {
        transform_inputs();
        rotate_inputs();
        sum_products();
        if (!chained()) {
            divide_giants();
        }
    }

    /// The sums of products of one output: those that a giant rotation turns, and the one that none does.
    struct Parts {
        std::vector<std::size_t> turning;  // groups
        const Pair* still = nullptr;
    };
    [[nodiscard]] Parts parts_of(std::size_t o) const {
        Parts parts;
        for (std::size_t g = 0; g < sums_.size(); ++g) {
            if (product_.groups_[g].output != o) {
                continue;
            }
            if (group_entries_[g] == nullptr) {
                parts.still = &sums_[g];
            } else {
                parts.turning.push_back(g);
            }
        }
        return parts;
    }

    Ciphertext output(std::size_t o) {
        const Parts parts = parts_of(o);
        if (!product_.extended_[o]) {
            return ciphertext_of(inputs_.front(), unswitched(parts.still, Form::coefficient));
        }
        ExtendedPair sum = sum_of(parts, true);
        return ciphertext_of(inputs_.front(), std::move(sum).divided());
    }

    Ciphertext partial_sum(std::size_t o) {
        const Parts parts = parts_of(o);
        if (!product_.extended_[o]) {
            return ciphertext_of(inputs_.front(), unswitched(parts.still, Form::ntt), Form::ntt);
        }
        ExtendedPair sum = sum_of(parts, false);
        Switched rows;
        for (std::size_t part = 0; part < 2; ++part) {
            rows[part] = RnsPolynomial::uninitialised(n_, extended_, Form::ntt);
            for (std::size_t i = 0; i < extended_; ++i) {
                std::copy_n(sum.row(part, i), n_, rows[part].limb(i));
            }
        }
        return ciphertext_of(inputs_.front(), std::move(rows), Form::ntt);
    }

    /// Modulo Q P. coefficients: its form; else NTT form.
    ExtendedPair sum_of(const Parts& parts, bool coefficients) {
        const auto& [turning, still] = parts;
        // Several accumulators a prime, where the threads would share the primes unevenly.
        const std::size_t pieces =
            std::max<std::size_t>(1, std::min(pieces_for(threads_, extended_), turning.size()));
        std::vector<ExtendedPair> accumulators;
        for (std::size_t c = 0; c < pieces; ++c) {
            accumulators.emplace_back(ring_, limbs_);
        }
        in_parallel(threads_, pieces * extended_, stop_, [&](std::size_t task) {
            accumulate(task / extended_, pieces, task % extended_, turning, still,
                       accumulators[task / extended_]);
        });
        ExtendedPair& sum = accumulators.front();
        in_parallel(threads_, extended_, stop_, [&](std::size_t i) {
            for (std::size_t c = 1; c < pieces; ++c) {
                for (std::size_t part = 0; part < 2; ++part) {
                    ring_.kernels().add(sum.row(part, i), sum.row(part, i), accumulators[c].row(part, i), n_,
                                        modulus(i));
                }
            }
            if (coefficients) {
                sum.to_coefficients(i);
            }
        });
        return std::move(sum);
    }

    /// Every pieces-th giant rotation from number `piece` on, modulo extended prime i.
    void accumulate(std::size_t piece, std::size_t pieces, std::size_t i,
                    const std::vector<std::size_t>& turning, const Pair* still, ExtendedPair& sum) {
        Rows rows(n_);
        for (std::size_t part = 0; part < 2; ++part) {
            if (piece != 0 || still == nullptr || i >= rows_) {
                std::fill_n(sum.row(part, i), n_, 0);
            } else if (product_.wide_) {
                std::copy_n((*still)[part][i].data(), n_, sum.row(part, i));
            } else {
                ring_.kernels().multiply_scalar(sum.row(part, i), (*still)[part][i].data(), n_, special_[i],
                                                modulus(i));
            }
        }
        Buffer scaled = Buffer::uninitialised(n_);
        for (std::size_t t = piece; t < turning.size(); t += pieces) {
            const std::size_t g = turning[t];
            RaisedDigits digits(ring_, switched_[g]);
            Rotation rotation{group_entries_[g], &digits, nullptr};
            if (product_.wide_) {
                rotation.c0 = sums_[g][0][i].data();
            } else if (i < limbs_) {
                ring_.kernels().multiply_scalar(scaled.data(), sums_[g][0][i].data(), n_, special_[i],
                                                modulus(i));
                rotation.c0 = scaled.data();
            }
            rotate(ring_, rotation, limbs_, i, rows, {sum.row(0, i), sum.row(1, i)}, true);
        }
    }

    [[nodiscard]] bool chained() const { return product_.chained(); }

    /// Horner's rule: sums join from the largest giant step down, each turned with those before it.
    Ciphertext chained_output(std::size_t o) {
        const std::vector<Link>& chain = product_.chains_[o];
        std::optional<Switched> turned;
        const GaloisKeys::Entry* entry = nullptr;  // how it is to be turned
        for (std::size_t i = 0; i < chain.size(); ++i) {
            const Pair* const sum = &sums_[chain[i].group];
            turned =
                i == 0 && !product_.wide_ ? unswitched(sum, Form::coefficient) : join(turned, entry, sum);
            entry = link_entries_[o][i];
        }
        if (entry != nullptr) {
            turned = join(turned, entry, nullptr);
        }
        return ciphertext_of(inputs_.front(),
                             turned ? std::move(*turned) : unswitched(nullptr, Form::coefficient));
    }

    /// `turned` rotated, plus a sum, divided by P once; either may be missing.
    Switched join(const std::optional<Switched>& turned, const GaloisKeys::Entry* entry, const Pair* sum) {
        ExtendedPair result(ring_, limbs_);
        in_parallel(threads_, extended_, stop_, [&](std::size_t i) {
            Rows rows(n_);
            if (turned) {
                RaisedDigits digits(ring_, (*turned)[1]);
                Buffer c0;
                if (i < limbs_) {
                    c0 = Buffer::uninitialised(n_);
                    ring_.kernels().multiply_scalar(c0.data(), (*turned)[0].limb(i), n_, special_[i],
                                                    modulus(i));
                    tables(i).forward(c0.span());
                }
                rotate(ring_, {entry, &digits, i < limbs_ ? c0.data() : nullptr}, limbs_, i, rows,
                       {result.row(0, i), result.row(1, i)}, false);
            }
            for (std::size_t part = 0; part < 2; ++part) {
                add_sum(sum, part, i, rows, result.row(part, i), turned.has_value());
            }
            result.to_coefficients(i);
        });
        return std::move(result).divided();
    }

    /// A sum's row modulo Q P, to out or added to it.
    void add_sum(const Pair* sum, std::size_t part, std::size_t i, Rows& rows, std::uint64_t* out,
                 bool accumulate) {
        if (sum == nullptr || i >= rows_) {
            if (!accumulate) {
                std::fill_n(out, n_, 0);
            }
            return;
        }
        const std::uint64_t* row = (*sum)[part][i].data();
        if (!product_.wide_) {
            ring_.kernels().multiply_scalar(rows.turned.data(), row, n_, special_[i], modulus(i));
            row = rows.turned.data();
        }
        if (accumulate) {
            ring_.kernels().add(out, out, row, n_, modulus(i));
        } else {
            std::copy_n(row, n_, out);
        }
    }

    /// A sum without any rotation: modulo Q alone.
    Switched unswitched(const Pair* still, Form form) const {
        Switched parts;
        for (std::size_t part = 0; part < 2; ++part) {
            parts[part] = RnsPolynomial(n_, limbs_, form);
            for (std::size_t i = 0; still != nullptr && i < limbs_; ++i) {
                std::copy_n((*still)[part][i].data(), n_, parts[part].limb(i));
                if (form == Form::coefficient) {
                    tables(i).inverse(parts[part].limb_span(i));
                }
            }
        }
        return parts;
    }

    const DiagonalProduct& product_;
    const Ring& ring_;
    std::span<const Ciphertext> inputs_;
    const GaloisKeys& keys_;
    int threads_;
    const std::stop_token& stop_;
    std::size_t n_;
    std::size_t limbs_;
    std::size_t extended_;
    std::size_t rows_;  // primes that products are taken modulo
    std::vector<ShoupFactor> special_;
    std::vector<const GaloisKeys::Entry*> baby_entries_;               // null where nothing turns
    std::vector<const GaloisKeys::Entry*> group_entries_;              // the same
    std::vector<std::vector<const GaloisKeys::Entry*>> link_entries_;  // the same
    std::vector<Pair> transformed_;                                    // [input]
    std::vector<std::vector<std::unique_ptr<RaisedDigits>>> digits_;   // [input][prime]
    std::vector<Pair> rotated_;                                        // [baby]
    std::vector<Pair> sums_;                                           // [group]
    std::vector<RnsPolynomial> switched_;                              // [group], coefficient form
};

std::vector<Ciphertext> DiagonalProduct::apply(const Context& context, std::span<const Ciphertext> inputs,
                                               const GaloisKeys& keys, int threads,
                                               const std::stop_token& stop) const {
    check(context, inputs);
    check_keys("diagonal product", context.ring(), keys);
    return Run(*this, context.ring(), inputs, keys, threads, stop).run();
}

std::vector<Ciphertext> DiagonalProduct::partial_sums(const Context& context,
                                                      std::span<const Ciphertext> inputs,
                                                      std::span<const std::size_t> outputs,
                                                      const GaloisKeys& keys, int threads,
                                                      const std::stop_token& stop) const {
    check(context, inputs);
    check_keys("diagonal product", context.ring(), keys);
    if (chained()) {
        throw Error(
            "diagonal product: expected giant steps that do not wait for each other, found chained ones; "
            "apply() it whole");
    }
    return Run(*this, context.ring(), inputs, keys, threads, stop).partial_sums(outputs);
}

Ciphertext DiagonalProduct::divide(const Context& context, Ciphertext sum, std::size_t output,
                                   int threads) const {
    const Ring& ring = context.ring();
    const std::size_t rows = extended_[output] ? limbs_ + ring.special().size() : limbs_;
    if (sum.ring != ring.hash() || sum.size() != 2 || !sum.has_shape(ring.n(), rows, Form::ntt)) {
        throw Error("diagonal product: expected a sum of two polynomials of " + std::to_string(rows) +
                    " limbs in NTT form, found another; add up partial_sums() of one product");
    }
    const auto tables = [&](std::size_t i) -> const NttTables& {
        return ring.key_basis().tables(extended_prime(ring, limbs_, i));
    };
    if (!extended_[output]) {
        for (RnsPolynomial& part : sum.parts) {
            for (std::size_t i = 0; i < limbs_; ++i) {
                tables(i).inverse(part.limb_span(i));
            }
            part.set_form(Form::coefficient);
        }
        return sum;
    }
    ExtendedPair pair(ring, limbs_);
    in_parallel(threads, rows, {}, [&](std::size_t i) {
        for (std::size_t part = 0; part < 2; ++part) {
            std::copy_n(sum.parts[part].limb(i), ring.n(), pair.row(part, i));
        }
        pair.to_coefficients(i);
    });
    return ciphertext_of(sum, std::move(pair).divided());
}

void add_partial_sum(const Context& context, Ciphertext& sum, const Ciphertext& part) {
    const Ring& ring = context.ring();
    const std::size_t rows = sum.limbs();
    if (sum.size() != 2 || part.size() != 2 || !part.has_shape(ring.n(), rows, Form::ntt) ||
        !sum.has_shape(ring.n(), rows, Form::ntt)) {
        throw Error("diagonal product: expected two sums of one output, found others");
    }
    const std::size_t special = ring.special().size();
    const std::size_t limbs = rows > special ? rows - special : rows;
    for (std::size_t p = 0; p < 2; ++p) {
        for (std::size_t i = 0; i < rows; ++i) {
            ring.kernels().add(sum.parts[p].limb(i), sum.parts[p].limb(i), part.parts[p].limb(i), ring.n(),
                               ring.key_basis().modulus(extended_prime(ring, limbs, i)));
        }
    }
}

// ---- sums of rotations

Ciphertext add_rotations(const Context& context, const Ciphertext& a, std::span<const int> steps,
                         const GaloisKeys& keys, int threads) {
    const Ring& ring = context.ring();
    check_keys("add_rotations", ring, keys);
    const std::size_t n = ring.n();
    const std::size_t limbs = a.limbs();
    if (a.ring != ring.hash() || a.size() != 2 || limbs == 0 || !a.has_shape(n, limbs, Form::coefficient)) {
        throw Error(
            "add_rotations: expected a ciphertext of this ring, of size 2 and in coefficient form, "
            "found another; relinearize it first");
    }
    std::vector<const GaloisKeys::Entry*> entries;
    for (const int step : steps) {
        const std::uint32_t element = rotation_element(n, a.t, step);
        if (element == 1) {
            throw Error("add_rotations: expected rotations that move slots, found one by " +
                        std::to_string(step) + " steps; multiply by a scalar instead");
        }
        entries.push_back(&keys.at(element));
    }
    if (entries.empty()) {
        return a;
    }
    const std::size_t extended = limbs + ring.special().size();
    const std::vector<ShoupFactor> special = special_factors(ring, limbs);
    const std::size_t pieces = std::min(pieces_for(threads, extended), entries.size());
    std::vector<ExtendedPair> sums;
    for (std::size_t c = 0; c < pieces; ++c) {
        sums.emplace_back(ring, limbs);
    }
    in_parallel(threads, pieces * extended, {}, [&](std::size_t task) {
        const std::size_t i = task % extended;
        const std::size_t prime = extended_prime(ring, limbs, i);
        const Modulus& q = ring.key_basis().modulus(prime);
        ExtendedPair& sum = sums[task / extended];
        RaisedDigits digits(ring, a.parts[1]);
        Buffer c0;
        if (i < limbs) {
            c0 = Buffer::uninitialised(n);
            ring.kernels().multiply_scalar(c0.data(), a.parts[0].limb(i), n, special[i], q);
            ring.key_basis().tables(prime).forward(c0.span());
        }
        Rows rows(n);
        for (std::size_t e = task / extended; e < entries.size(); e += pieces) {
            rotate(ring, {entries[e], &digits, i < limbs ? c0.data() : nullptr}, limbs, i, rows,
                   {sum.row(0, i), sum.row(1, i)}, e >= pieces);
        }
        sum.to_coefficients(i);
    });
    for (std::size_t c = 1; c < pieces; ++c) {
        for (std::size_t i = 0; i < extended; ++i) {
            for (std::size_t part = 0; part < 2; ++part) {
                ring.kernels().add(sums[0].row(part, i), sums[0].row(part, i), sums[c].row(part, i), n,
                                   ring.key_basis().modulus(extended_prime(ring, limbs, i)));
            }
        }
    }
    Ciphertext result = ciphertext_of(a, std::move(sums.front()).divided());
    for (std::size_t part = 0; part < 2; ++part) {
        for (std::size_t i = 0; i < limbs; ++i) {
            ring.kernels().add(result.parts[part].limb(i), result.parts[part].limb(i), a.parts[part].limb(i),
                               n, ring.data().modulus(i));
        }
    }
    return result;
}

}  // namespace lacuna
