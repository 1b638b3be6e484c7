// SPDX-License-Identifier: Apache-2.0
#include <lacuna/rns/polynomial.h>

#include <algorithm>
#include <string>

#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

void check_at_most(std::size_t limbs, std::size_t most) {
    if (limbs > most) {
        throw Error("polynomial: expected at most " + std::to_string(most) + " limbs, found " +
                    std::to_string(limbs));
    }
}

}  // namespace

void RnsPolynomial::keep_limbs(std::size_t limbs) {
    check_at_most(limbs, limbs_);
    limbs_ = limbs;
}

RnsPolynomial RnsPolynomial::first_limbs(std::size_t limbs) const {
    check_at_most(limbs, limbs_);
    RnsPolynomial result = uninitialised(n_, limbs, form_, words_.secrecy());
    std::copy_n(words_.data(), n_ * limbs, result.words_.data());
    return result;
}

bool RnsPolynomial::operator==(const RnsPolynomial& other) const {
    return n_ == other.n_ && limbs_ == other.limbs_ && form_ == other.form_ &&
           std::equal(words_.data(), words_.data() + n_ * limbs_, other.words_.data());
}

}  // namespace lacuna
