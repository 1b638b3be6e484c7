// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/evaluation/giant_steps.h>

#include <algorithm>
#include <utility>

namespace lacuna {

using namespace detail;

DiagonalProduct::GiantSteps::GiantSteps(const DiagonalProduct& product, const Ring& ring,
                                        std::span<const Ciphertext> inputs, const GaloisKeys& keys,
                                        int threads, const std::stop_token& stop)
    : Run(product, ring, inputs, keys, threads, stop) {
    for (const Group& group : product.groups_) {
        entries_.push_back(group.element == 1 ? nullptr : &keys.at(group.element));
    }
    sum_products();
    divide_giants();
}

void DiagonalProduct::GiantSteps::divide_giants() {
    switched_.resize(sums_.size());
    in_parallel(threads_, sums_.size(), stop_, [&](std::size_t g) {
        if (entries_[g] == nullptr) {
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

DiagonalProduct::GiantSteps::Parts DiagonalProduct::GiantSteps::parts_of(std::size_t o) const {
    Parts parts;
    for (std::size_t g = 0; g < sums_.size(); ++g) {
        if (product_.groups_[g].output != o) {
            continue;
        }
        if (entries_[g] == nullptr) {
            parts.still = &sums_[g];
        } else {
            parts.turning.push_back(g);
        }
    }
    return parts;
}

Ciphertext DiagonalProduct::GiantSteps::output(std::size_t o) {
    const Parts parts = parts_of(o);
    if (!product_.extended_[o]) {
        return ciphertext_of(inputs_.front(), unswitched(parts.still, Form::coefficient));
    }
    ExtendedPair sum = sum_of(parts, true);
    return ciphertext_of(inputs_.front(), std::move(sum).divided());
}

Ciphertext DiagonalProduct::GiantSteps::partial_sum(std::size_t o) {
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

ExtendedPair DiagonalProduct::GiantSteps::sum_of(const Parts& parts, bool coefficients) {
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

void DiagonalProduct::GiantSteps::accumulate(std::size_t piece, std::size_t pieces, std::size_t i,
                                             const std::vector<std::size_t>& turning, const Pair* still,
                                             ExtendedPair& sum) {
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
        Rotation rotation{entries_[g], &digits, nullptr};
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

}  // namespace lacuna
