// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/basis.h>

#include <algorithm>
#include <cmath>
#include <string>

#include <lacuna/ntt/error.h>

namespace lacuna {

double log2_of(const mpz_class& x) {
    long exponent = 0;
    const double mantissa = mpz_get_d_2exp(&exponent, x.get_mpz_t());
    return std::log2(mantissa) + static_cast<double>(exponent);
}

RnsBasis::RnsBasis(std::size_t n, std::span<const std::uint64_t> primes, const Kernels& kernels) : n_(n) {
    for (std::size_t i = 0; i < primes.size(); ++i) {
        if (std::find(primes.begin(), primes.begin() + static_cast<std::ptrdiff_t>(i), primes[i]) !=
            primes.begin() + static_cast<std::ptrdiff_t>(i)) {
            throw Error("RNS basis: the prime " + std::to_string(primes[i]) +
                        " occurs twice; primes must differ");
        }
        tables_.push_back(std::make_shared<const NttTables>(n, Modulus(primes[i]), kernels));
    }
}

mpz_class RnsBasis::product() const {
    mpz_class product = 1;
    for (const auto& tables : tables_) {
        product *= to_mpz(tables->modulus().value());
    }
    return product;
}

RnsBasis RnsBasis::slice(std::size_t begin, std::size_t end) const {
    RnsBasis basis;
    basis.n_ = n_;
    basis.tables_.assign(tables_.begin() + static_cast<std::ptrdiff_t>(begin),
                         tables_.begin() + static_cast<std::ptrdiff_t>(end));
    return basis;
}

RnsBasis RnsBasis::joined(const RnsBasis& other) const {
    RnsBasis basis = *this;
    basis.n_ = size() != 0 ? n_ : other.n_;
    basis.tables_.insert(basis.tables_.end(), other.tables_.begin(), other.tables_.end());
    return basis;
}

namespace {

std::vector<std::uint64_t> values_of(const RnsBasis& basis) {
    std::vector<std::uint64_t> values;
    for (std::size_t i = 0; i < basis.size(); ++i) {
        values.push_back(basis.modulus(i).value());
    }
    return values;
}

}  // namespace

Crt::Crt(std::span<const std::uint64_t> moduli) {
    for (const std::uint64_t modulus : moduli) {
        moduli_.push_back(to_mpz(modulus));
        product_ *= moduli_.back();
    }
    for (const mpz_class& modulus : moduli_) {
        const mpz_class rest = product_ / modulus;
        mpz_class inverse;
        if (modulus < 2 || (moduli_.size() > 1 &&
                            mpz_invert(inverse.get_mpz_t(), rest.get_mpz_t(), modulus.get_mpz_t()) == 0)) {
            throw Error("CRT: the moduli must be pairwise coprime and at least 2; " + modulus.get_str() +
                        " is not");
        }
        weights_.push_back(moduli_.size() > 1 ? mpz_class(rest * inverse) : mpz_class(1));
    }
}

Crt::Crt(const RnsBasis& basis) : Crt(values_of(basis)) {}

mpz_class Crt::compose(std::span<const std::uint64_t> residues) const {
    if (residues.size() != moduli_.size()) {
        throw Error("CRT: expected " + std::to_string(moduli_.size()) + " residues, found " +
                    std::to_string(residues.size()));
    }
    mpz_class sum = 0;
    for (std::size_t i = 0; i < residues.size(); ++i) {
        sum += weights_[i] * to_mpz(residues[i]);
    }
    mpz_class result;
    mpz_fdiv_r(result.get_mpz_t(), sum.get_mpz_t(), product_.get_mpz_t());
    return result;
}

mpz_class Crt::compose_centred(std::span<const std::uint64_t> residues) const {
    mpz_class x = compose(residues);
    return 2 * x > product_ ? mpz_class(x - product_) : x;
}

std::vector<std::uint64_t> Crt::decompose(const mpz_class& x) const {
    std::vector<std::uint64_t> residues;
    for (const mpz_class& modulus : moduli_) {
        mpz_class r;
        mpz_fdiv_r(r.get_mpz_t(), x.get_mpz_t(), modulus.get_mpz_t());
        residues.push_back(to_word(r));
    }
    return residues;
}

}  // namespace lacuna
