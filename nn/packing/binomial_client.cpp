// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/packing/binomial.h>
#include <lacuna/nn/packing/packed.h>

namespace lacuna {

bool BinomialPacking::takes(const PlainModulus& t, std::size_t n) const {
    return power_ == 1 ? t == PlainModulus::binomial(1, 2)
                       : !t.is_integer() && t.power() == power_ && PackedPacking::takes(t, n);
}

std::string BinomialPacking::what_it_takes(std::size_t n) const {
    return power_ == 1 ? "x - 2" : PackedPacking::what_it_takes(n);
}

std::vector<mpz_class> BinomialPacking::parted(mpz_class joined, std::size_t count, std::size_t stride) {
    std::vector<mpz_class> parts;
    const mpz_class radix = mpz_class(1) << stride;
    for (std::size_t i = 0; i < count; ++i) {
        mpz_class& part = parts.emplace_back();
        mpz_fdiv_r_2exp(part.get_mpz_t(), joined.get_mpz_t(), stride);
        if (2 * part >= radix) {
            part -= radix;
        }
        joined = (joined - part) >> stride;
    }
    return parts;
}

}  // namespace lacuna
