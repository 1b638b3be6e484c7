// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/packing/sparse_layer.h>

#include <lacuna/nn/model/model.h>
#include <lacuna/ntt/gmp_words.h>

namespace lacuna {

SparseProduct elementwise_layer(
    const LinearMap& map, std::size_t n, const Modulus& t, std::uint64_t factor,
    const std::function<std::vector<Monomial>(const mpz_class&, const Modulus&)>& encode) {
    std::vector<std::vector<SparseTerm>> rows;
    for (const std::vector<WeightTerm>& weights : map.weights.rows) {
        std::vector<SparseTerm>& row = rows.emplace_back();
        for (const WeightTerm& term : weights) {
            for (const Monomial& monomial : encode(to_signed_mpz(term.weight), t)) {
                row.push_back(
                    {term.column, static_cast<std::uint32_t>(monomial.exponent), monomial.coefficient});
            }
        }
    }
    std::vector<std::vector<Monomial>> bias;
    for (const mpz_class& value : map.bias) {
        bias.push_back(multiplied(encode(value, t), factor, t));
    }
    return SparseProduct(n, map.weights.columns, std::move(rows), std::move(bias));
}

SparseProduct join_layer(std::size_t n, std::size_t count, std::size_t stride) {
    std::vector<SparseTerm> row;
    for (std::uint32_t i = 0; i < count; ++i) {
        row.push_back({i, static_cast<std::uint32_t>(i * stride), 1});
    }
    return SparseProduct(n, count, {std::move(row)});
}

std::vector<Monomial> multiplied(std::vector<Monomial> terms, std::uint64_t factor, const Modulus& t) {
    for (Monomial& term : terms) {
        term.coefficient = t.centre(t.multiply(t.reduce_signed(term.coefficient), factor));
    }
    return terms;
}

}  // namespace lacuna
