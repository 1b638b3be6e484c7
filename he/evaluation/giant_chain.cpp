// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/evaluation/giant_chain.h>

#include <algorithm>
#include <utility>

namespace lacuna {

using namespace detail;

DiagonalProduct::GiantChain::GiantChain(const DiagonalProduct& product, const Ring& ring,
                                        std::span<const Ciphertext> inputs, const GaloisKeys& keys,
                                        int threads, const std::stop_token& stop)
    : Run(product, ring, inputs, keys, threads, stop) {
    for (const auto& chain : product.chains_) {
        auto& entries = entries_.emplace_back();
        for (const Link& link : chain) {
            entries.push_back(link.element == 1 ? nullptr : &keys.at(link.element));
        }
    }
    sum_products();
}

Ciphertext DiagonalProduct::GiantChain::output(std::size_t o) {
    const std::vector<Link>& chain = product_.chains_[o];
    std::optional<Switched> turned;
    const GaloisKeys::Entry* entry = nullptr;  // how it is to be turned
    for (std::size_t i = 0; i < chain.size(); ++i) {
        const Pair* const sum = &sums_[chain[i].group];
        turned = i == 0 && !product_.wide_ ? unswitched(sum, Form::coefficient) : join(turned, entry, sum);
        entry = entries_[o][i];
    }
    if (entry != nullptr) {
        turned = join(turned, entry, nullptr);
    }
    return ciphertext_of(inputs_.front(),
                         turned ? std::move(*turned) : unswitched(nullptr, Form::coefficient));
}

Switched DiagonalProduct::GiantChain::join(const std::optional<Switched>& turned,
                                           const GaloisKeys::Entry* entry, const Pair* sum) {
    ExtendedPair result(ring_, limbs_);
    in_parallel(threads_, extended_, stop_, [&](std::size_t i) {
        Rows rows(n_);
        if (turned) {
            RaisedDigits digits(ring_, (*turned)[1]);
            Buffer c0;
            if (i < limbs_) {
                c0 = Buffer::uninitialised(n_);
                ring_.kernels().multiply_scalar(c0.data(), (*turned)[0].limb(i), n_, special_[i], modulus(i));
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

void DiagonalProduct::GiantChain::add_sum(const Pair* sum, std::size_t part, std::size_t i, Rows& rows,
                                          std::uint64_t* out, bool accumulate) {
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

}  // namespace lacuna
