// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/evaluation/diagonal_run.h>

#include <algorithm>

#include <lacuna/rns/basis.h>

namespace lacuna {

using namespace detail;

DiagonalProduct::Run::Run(const DiagonalProduct& product, const Ring& ring,
                          std::span<const Ciphertext> inputs, const GaloisKeys& keys, int threads,
                          const std::stop_token& stop)
    : product_(product),
      ring_(ring),
      inputs_(inputs),
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
}

DiagonalProduct::Run::Pair DiagonalProduct::Run::pair(std::size_t primes) const {
    Pair result;
    for (auto& part : result) {
        for (std::size_t i = 0; i < primes; ++i) {
            part.push_back(Buffer::uninitialised(n_));
        }
    }
    return result;
}

void DiagonalProduct::Run::transform_inputs() {
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

void DiagonalProduct::Run::rotate_inputs() {
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

const std::uint64_t* DiagonalProduct::Run::baby_row(std::size_t b, std::size_t part, std::size_t i) const {
    if (baby_entries_[b] != nullptr) {
        return rotated_[b][part][i].data();
    }
    return i < limbs_ ? transformed_[product_.babies_[b].input][part][i].data() : nullptr;
}

void DiagonalProduct::Run::sum_products() {
    transform_inputs();
    rotate_inputs();
    sums_.resize(product_.groups_.size());
    for (Pair& sum : sums_) {
        sum = pair(rows_);
    }
    constexpr std::size_t piece = 4 * block;  // long enough for a task
    const std::size_t pieces = (n_ + piece - 1) / piece;
    in_parallel(threads_, rows_ * pieces, stop_, [&](std::size_t task) {
        const std::size_t begin = task % pieces * piece;
        sum_products(task / pieces, begin, std::min(begin + piece, n_));
    });
}

void DiagonalProduct::Run::sum_products(std::size_t i, std::size_t begin, std::size_t end) {
    const std::size_t babies = product_.babies_.size();
    Buffer blocks = Buffer::uninitialised(2 * babies * block);  // [part][baby][word]
    Buffer more = Buffer::uninitialised(block);
    for (; begin < end; begin += block) {
        const std::size_t size = std::min(block, end - begin);
        for (std::size_t b = 0; b < 2 * babies; ++b) {
            const std::uint64_t* const row = baby_row(b % babies, b / babies, i);
            std::uint64_t* const to = blocks.data() + b * block;
            if (row != nullptr) {
                std::copy_n(row + begin, size, to);
            } else {
                std::fill_n(to, size, 0);
            }
        }
        for (std::size_t g = 0; g < product_.groups_.size(); ++g) {
            for (std::size_t part = 0; part < 2; ++part) {
                sum_block(product_.groups_[g], i, begin / block, blocks.data() + part * babies * block,
                          {sums_[g][part][i].data() + begin, size}, more.data());
            }
        }
    }
}

void DiagonalProduct::Run::sum_block(const Group& group, std::size_t i, std::size_t index,
                                     const std::uint64_t* babies, std::span<std::uint64_t> out,
                                     std::uint64_t* more) const {
    constexpr std::size_t most = 64;  // of Kernels::dot
    const std::size_t count = group.babies.size();
    const std::uint64_t* const values = group.values[i].data() + index * count * block;
    std::array<const std::uint64_t*, most> a{};
    std::array<const std::uint64_t*, most> b{};
    for (std::size_t first = 0; first < count; first += most) {
        const std::size_t some = std::min(most, count - first);
        for (std::size_t p = 0; p < some; ++p) {
            a[p] = babies + group.babies[first + p] * block;
            b[p] = values + (first + p) * block;
        }
        ring_.kernels().dot(first == 0 ? out.data() : more, a.data(), b.data(), some, out.size(), modulus(i));
        if (first != 0) {
            ring_.kernels().add(out.data(), out.data(), more, out.size(), modulus(i));
        }
    }
}

Switched DiagonalProduct::Run::unswitched(const Pair* still, Form form) const {
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

}  // namespace lacuna
