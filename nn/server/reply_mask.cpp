// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/server/reply_mask.h>

#include <cstdint>
#include <utility>

#include <gmpxx.h>

#include <lacuna/ntt/buffer.h>
#include <lacuna/rns/random.h>

namespace lacuna {

namespace {

/// Uniform integers in [0, p).
class UniformValues {
  public:
    explicit UniformValues(const mpz_class& p)
        : p_(p),
          words_((mpz_sizeinbase(p.get_mpz_t(), 2) + 63) / 64),
          top_mask_(~std::uint64_t{0} >> (64 * words_ - mpz_sizeinbase(p.get_mpz_t(), 2))) {}

    mpz_class next() {
        mpz_class value;
        do {  // at least every second try is below p
            if (used_ == drawn_.size()) {
                stream_.fill(drawn_.span());
                used_ = 0;
            }
            std::uint64_t* const words = drawn_.data() + used_;
            words[words_ - 1] &= top_mask_;
            mpz_import(value.get_mpz_t(), words_, -1, sizeof(std::uint64_t), 0, 0, words);
            used_ += words_;
        } while (value >= p_);
        return value;
    }

  private:
    static constexpr std::size_t values_drawn = 512;

    const mpz_class& p_;
    std::size_t words_;
    std::uint64_t top_mask_;
    RandomStream stream_ = RandomStream::secret();
    Buffer drawn_ = Buffer::uninitialised(values_drawn * words_, Secrecy::secret);
    std::size_t used_ = drawn_.size();
};

}  // namespace

ReplyMask::ReplyMask(std::shared_ptr<const BinomialEncoder> encoder, const PackedTensors& tensors)
    : encoder_(std::move(encoder)) {
    for (std::size_t image = 0; image < tensors.images; ++image) {
        for (const std::size_t logit : tensors.logits) {
            slots_.emplace_back();
            for (std::size_t i = 0; i < tensors.parts.count; ++i) {
                const Place part = repeat_of({0, logit}, tensors.parts, i, encoder_->slots());
                slots_.back().push_back(part.position + image);
            }
        }
    }
}

Plaintext ReplyMask::shares() const {
    std::vector<mpz_class> values(encoder_->slots());
    UniformValues uniform(encoder_->modulus());
    for (const std::vector<std::size_t>& parts : slots_) {
        mpz_class sum = 0;
        for (std::size_t i = 1; i < parts.size(); ++i) {
            values[parts[i]] = uniform.next();
            sum += values[parts[i]];
        }
        values[parts.front()] = -sum;
    }
    return encoder_->encode(values);
}

}  // namespace lacuna
