// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/rlwe/ring.h>

#include <algorithm>

#include <lacuna/rns/sha256.h>

namespace lacuna {

namespace {

std::vector<Modulus> moduli_of(const RnsBasis& basis, std::size_t begin, std::size_t end) {
    std::vector<Modulus> moduli;
    for (std::size_t i = begin; i < end; ++i) {
        moduli.push_back(basis.modulus(i));
    }
    return moduli;
}

std::vector<Modulus> moduli_of(const RnsBasis& basis) {
    return moduli_of(basis, 0, basis.size());
}

RingHash hash_of(const RingParameters& parameters) {
    std::vector<std::uint64_t> words = {parameters.n, parameters.digit_limbs, parameters.data_primes.size()};
    words.insert(words.end(), parameters.data_primes.begin(), parameters.data_primes.end());
    words.insert(words.end(), parameters.special_primes.begin(), parameters.special_primes.end());
    Sha256 sha256;
    sha256.update(
        {reinterpret_cast<const std::uint8_t*>(words.data()), words.size() * sizeof(std::uint64_t)});
    const Sha256::Value digest = sha256.value();
    RingHash hash;
    std::copy_n(digest.begin(), hash.size(), hash.begin());
    return hash;
}

}  // namespace

Ring::Ring(const RingParameters& parameters, const Kernels& kernels)
    : Ring(Resolved{resolve_ring(parameters)}, kernels) {}

Ring::Ring(const Resolved& resolved, const Kernels& kernels)
    : data_(resolved.parameters.n, resolved.parameters.data_primes, kernels),
      special_(resolved.parameters.n, resolved.parameters.special_primes, kernels),
      key_basis_(data_.joined(special_)),
      digit_limbs_(resolved.parameters.digit_limbs),
      hash_(hash_of(resolved.parameters)) {
    const std::size_t limbs = data_.size();
    const std::vector<Modulus> key_moduli = moduli_of(key_basis_);
    for (std::size_t begin = 0; begin < limbs; begin += digit_limbs_) {
        std::vector<BaseConverter>& converters = digit_converters_.emplace_back();
        for (std::size_t end = begin + 1; end <= std::min(begin + digit_limbs_, limbs); ++end) {
            converters.emplace_back(moduli_of(data_, begin, end), key_moduli, kernels);
        }
    }
    for (std::size_t l = 2; l <= limbs; ++l) {
        limb_dividers_.emplace_back(moduli_of(data_, l - 1, l), moduli_of(data_, 0, l - 1), kernels);
    }
    if (special_.size() != 0) {
        special_divider_ = std::make_unique<const Divider>(moduli_of(special_), moduli_of(data_), kernels);
    }
}

double Ring::log_q(std::size_t limbs) const {
    return log2_of(data_.prefix(limbs).product());
}

double Ring::log_p() const {
    return special_.size() == 0 ? 0.0 : log2_of(special_.product());
}

const BaseConverter& Ring::digit_converter(std::size_t digit, std::size_t limbs) const {
    const std::size_t begin = digit * digit_limbs_;
    return digit_converters_[digit][std::min(limbs - begin, digit_limbs_) - 1];
}

}  // namespace lacuna
