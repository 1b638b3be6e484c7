// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/client/client.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <string>

#include <lacuna/he/fv/binomial_encoder.h>
#include <lacuna/he/fv/decryptor.h>
#include <lacuna/he/fv/encryptor.h>
#include <lacuna/nn/packing/rules.h>
#include <lacuna/ntt/error.h>
#include <lacuna/ntt/gmp_words.h>
#include <lacuna/rns/basis.h>

namespace lacuna {

namespace {

/// A packing's encoder for every plaintext modulus.
template <typename Rules>
std::vector<typename Rules::Encoder> encoders_of(const Context& context) {
    std::vector<typename Rules::Encoder> encoders;
    for (std::size_t m = 0; m < context.plain_count(); ++m) {
        encoders.emplace_back(context, m);
    }
    return encoders;
}

/// The ciphertexts of one set of images after the other, modulo the one plaintext modulus.
template <typename Encrypt, typename Encrypted>
void encrypt_packed(const ClientPlan& plan, const BinomialEncoder& encoder,
                    std::span<const std::uint8_t> pixels, const LevelTable& table, const RunControl& control,
                    const Encrypt& encrypt, std::vector<Encrypted>& ciphertexts) {
    const std::size_t elements = plan.input_shape.size();
    const std::size_t of_set = plan.packed.images * elements;
    std::vector<std::vector<std::int64_t>> rows;
    for (std::size_t begin = 0; begin < pixels.size(); begin += of_set) {
        std::vector<std::int64_t> levels;
        for (const std::uint8_t pixel : pixels.subspan(begin, std::min(of_set, pixels.size() - begin))) {
            levels.push_back(table.level(levels.size() % elements, pixel));
        }
        for (auto& row :
             PackedPacking::slots_of(plan.packed.input, plan.input_shape, encoder.slots(), levels)) {
            rows.push_back(std::move(row));
        }
    }
    parallel_for(rows.size(), control, "encrypt", 0, 1, 1,
                 [&](std::size_t i) { ciphertexts[i] = encrypt(encoder.encode(rows[i])); });
}

/// Every element modulo every plaintext modulus: encoders, one for each.
template <typename Tensor, typename Encoder, typename Encrypt>
void encrypt_elements(const ClientPlan& plan, std::span<const Encoder> encoders,
                      std::span<const std::uint8_t> pixels, const LevelTable& table,
                      const RunControl& control, const Encrypt& encrypt, Tensor& tensor) {
    const std::size_t elements = plan.input_shape.size();
    parallel_for(elements, control, "encrypt", 0, 1, 1, [&](std::size_t element) {
        std::vector<std::int64_t> levels(tensor.layout.batch);
        for (std::size_t image = 0; image < levels.size(); ++image) {
            levels[image] = table.level(element, pixels[image * elements + element]);
        }
        for (std::size_t m = 0; m < encoders.size(); ++m) {
            tensor.residues[m][element] = encrypt(encoders[m].encode(levels));
        }
    });
}

/// Quantises and encodes the pixels and encrypts every plaintext.
/// binomial: the encoder where the plaintext modulus is one.
template <typename Tensor, typename Encrypt>
Tensor encrypt_pixels(const ClientPlan& plan, const Context& context, const BinomialEncoder* binomial,
                      std::span<const std::uint8_t> pixels, const RunControl& control,
                      const Encrypt& encrypt) {
    const std::size_t elements = plan.input_shape.size();
    const std::size_t images = pixels.size() / elements;
    if (images == 0 || images * elements != pixels.size() || images > plan.batch) {
        throw Error("encrypt: expected 1 ... " + std::to_string(plan.batch) + " images of " +
                    std::to_string(elements) + " pixels, found " + std::to_string(pixels.size()) + " pixels");
    }
    const LevelTable table(plan.thresholds, plan.features, plan.input_shape);
    const std::size_t moduli = context.plain_count();
    Tensor tensor;
    tensor.layout = plan.input_layout(images);
    tensor.residues.resize(moduli);
    for (auto& residues : tensor.residues) {
        residues.resize(tensor.layout.ciphertexts());
    }
    if (plan.packing == Packing::packed) {
        encrypt_packed(plan, *binomial, pixels, table, control, encrypt, tensor.residues.front());
        return tensor;
    }
    if (binomial != nullptr) {
        encrypt_elements(plan, std::span(binomial, 1), pixels, table, control, encrypt, tensor);
        return tensor;
    }
    std::visit(
        [&]<typename Rules>(const Rules&) {
            const auto encoders = encoders_of<Rules>(context);
            encrypt_elements(plan, std::span(encoders), pixels, table, control, encrypt, tensor);
        },
        integer_rules_of(plan.packing));
    return tensor;
}

/// None for integers. Made once: it takes a millisecond for every thousand slots.
std::unique_ptr<const BinomialEncoder> binomial_encoder(const ClientPlan& plan, const Context& context) {
    return plan.parameters.plain_polynomials.empty() ? nullptr
                                                     : std::make_unique<const BinomialEncoder>(context);
}

/// In (-p/2, p/2].
mpz_class centred(const mpz_class& value, const mpz_class& p) {
    mpz_class rest;
    mpz_fdiv_r(rest.get_mpz_t(), value.get_mpz_t(), p.get_mpz_t());
    return 2 * rest > p ? mpz_class(rest - p) : rest;
}

const ClientPlan& checked(const ClientPlan& plan) {
    const std::size_t binomials = plan.parameters.plain_polynomials.size();
    if (plan.reply_factors.size() != plan.parameters.plain_moduli.size() ||
        (plan.packing == Packing::packed && binomials == 0) ||
        (binomials > 0 && plan.plain_moduli().size() != 1)) {
        throw Error("client: expected a reply factor for each of the " +
                    std::to_string(plan.parameters.plain_moduli.size()) + " plaintext moduli, found " +
                    std::to_string(plan.reply_factors.size()) + "; use the plan as make_plan returns it");
    }
    return plan;
}

}  // namespace

Client::Client(const ClientPlan& plan)
    : plan_(checked(plan)),
      context_(plan.parameters),
      generator_(context_),
      encoder_(binomial_encoder(plan_, context_)) {}

Client::Client(const ClientPlan& plan, SecretKey secret)
    : plan_(checked(plan)),
      context_(plan.parameters),
      generator_(context_.shared_ring(), std::move(secret)),
      encoder_(binomial_encoder(plan_, context_)) {}

EvaluationKeys Client::evaluation_keys(int threads) const {
    EvaluationKeys keys;
    keys.ring = context_.ring().hash();
    if (plan_.sends_public_key()) {
        keys.public_key = generator_.public_key();
    }
    if (plan_.relin_keys) {
        keys.relin_keys = generator_.relin_keys(threads);
    }
    keys.galois_keys = generator_.galois_keys_for(plan_.galois_elements, threads, plan_.galois_limbs);
    return keys;
}

SeededTensor Client::encrypt(std::span<const std::uint8_t> pixels, const RunControl& control) const {
    const Encryptor encryptor(context_, generator_.shared_secret_key());
    return encrypt_pixels<SeededTensor>(
        plan_, context_, encoder_.get(), pixels, control,
        [&](const Plaintext& plaintext) { return encryptor.encrypt_seeded(plaintext); });
}

EncryptedTensor encrypt_public(const ClientPlan& plan, const Context& context, const PublicKey& key,
                               std::span<const std::uint8_t> pixels, const RunControl& control) {
    if (!plan.public_encryption) {
        throw Error(
            "encrypt: expected a plan with room for public-key encryption, found one without; plan with "
            "public encryption, or encrypt with the secret key");
    }
    const Encryptor encryptor(context, key);
    const std::unique_ptr<const BinomialEncoder> encoder = binomial_encoder(plan, context);
    return encrypt_pixels<EncryptedTensor>(
        plan, context, encoder.get(), pixels, control,
        [&](const Plaintext& plaintext) { return encryptor.encrypt(plaintext); });
}

void Client::check(const EncryptedTensor& reply) const {
    const std::size_t moduli = context_.plain_count();
    const Layout& layout = reply.layout;
    const bool fits = reply.residues.size() == moduli && layout == plan_.reply_layout(layout.batch) &&
                      layout.batch >= 1 && layout.batch <= plan_.batch &&
                      std::all_of(reply.residues.begin(), reply.residues.end(), [&](const auto& ciphertexts) {
                          return ciphertexts.size() == layout.ciphertexts();
                      });
    if (!fits) {
        throw Error("decrypt: the reply has another layout than the plan's: expected " +
                    std::to_string(plan_.reply_layout(1).ciphertexts()) + " ciphertexts for each of " +
                    std::to_string(moduli) + " plaintext moduli in the " + packing_name(plan_.packing) +
                    " packing");
    }
    for (std::size_t m = 0; m < moduli; ++m) {
        for (const Ciphertext& ciphertext : reply.residues[m]) {
            if (ciphertext.t != context_.plain(m).t()) {
                throw Error("decrypt: expected ciphertexts modulo t = " + to_string(context_.plain(m).t()) +
                            ", found " + to_string(ciphertext.t) + "; the reply answers another plan");
            }
        }
    }
}

std::vector<std::vector<mpz_class>> Client::decrypt(const EncryptedTensor& reply,
                                                    const RunControl& control) const {
    check(reply);
    if (encoder_ != nullptr) {
        return decrypt_binomial(reply, control);
    }
    return std::visit([&]<typename Rules>(const Rules&) { return decrypt_as<Rules>(reply, control); },
                      integer_rules_of(plan_.packing));
}

std::vector<std::vector<mpz_class>> Client::decrypt_binomial(const EncryptedTensor& reply,
                                                             const RunControl& control) const {
    const BinomialEncoder& encoder = *encoder_;
    const Decryptor decryptor(context_, generator_.shared_secret_key());
    const std::vector<Ciphertext>& ciphertexts = reply.residues.front();
    std::vector<std::vector<mpz_class>> slots(ciphertexts.size());
    parallel_for(slots.size(), control, "decrypt", 0, 1, 1, [&](std::size_t i) {
        slots[i] = encoder.decode(decryptor.decrypt(ciphertexts[i]));
        if (plan_.reply_slot_factor != 1) {
            for (mpz_class& slot : slots[i]) {
                slot = centred(slot * plan_.reply_slot_factor, encoder.modulus());
            }
        }
    });
    std::vector<std::vector<mpz_class>> logits(reply.layout.batch);
    if (plan_.packing != Packing::packed) {
        for (std::size_t image = 0; image < logits.size(); ++image) {
            if (plan_.reply_stride != 0) {
                logits[image] =
                    BinomialPacking::parted(slots.front()[image], plan_.classes, plan_.reply_stride);
                continue;
            }
            for (std::size_t c = 0; c < plan_.classes; ++c) {
                logits[image].push_back(slots[c][image]);
            }
        }
        return logits;
    }
    for (std::size_t image = 0; image < logits.size(); ++image) {
        const std::size_t set = image / plan_.packed.images;
        const std::size_t offset = image % plan_.packed.images;
        for (const std::size_t logit : plan_.packed.logits) {
            const Place first{logit / encoder.slots(), logit % encoder.slots()};
            mpz_class& sum = logits[image].emplace_back();
            for (std::size_t i = 0; i < plan_.packed.parts.count; ++i) {
                const Place place = repeat_of(first, plan_.packed.parts, i, encoder.slots());
                sum += slots[set * reply.layout.each + place.ciphertext][place.position + offset];
            }
            mpz_fdiv_r(sum.get_mpz_t(), sum.get_mpz_t(), encoder.modulus().get_mpz_t());
            if (2 * sum > encoder.modulus()) {
                sum -= encoder.modulus();
            }
        }
    }
    return logits;
}

template <typename Rules>
std::vector<std::vector<mpz_class>> Client::decrypt_as(const EncryptedTensor& reply,
                                                       const RunControl& control) const {
    const std::size_t moduli = context_.plain_count();
    const std::size_t ciphertexts = reply.layout.ciphertexts();
    const Decryptor decryptor(context_, generator_.shared_secret_key());
    const auto encoders = encoders_of<Rules>(context_);
    // words[m][ciphertext]: centred.
    std::vector<std::vector<std::vector<std::int64_t>>> words(
        moduli, std::vector<std::vector<std::int64_t>>(ciphertexts));
    parallel_for(moduli * ciphertexts, control, "decrypt", 0, 1, 1, [&](std::size_t task) {
        const std::size_t m = task / ciphertexts;
        std::vector<std::int64_t>& out = words[m][task % ciphertexts];
        out = encoders[m].decode(decryptor.decrypt(reply.residues[m][task % ciphertexts]));
        const Modulus& t = context_.plain(m).modulus();
        for (std::int64_t& value : out) {
            value = t.centre(t.multiply(t.reduce_signed(value), plan_.reply_factors[m]));
        }
    });

    const Crt crt(plan_.parameters.plain_moduli);
    std::vector<std::uint64_t> residues(moduli);
    const auto integer = [&](std::size_t ciphertext, std::size_t position) {
        if (moduli == 1) {
            return to_signed_mpz(words[0][ciphertext][position]);
        }
        for (std::size_t m = 0; m < moduli; ++m) {
            residues[m] = context_.plain(m).modulus().reduce_signed(words[m][ciphertext][position]);
        }
        return crt.compose_centred(residues);
    };
    std::vector<std::vector<mpz_class>> logits(reply.layout.batch, std::vector<mpz_class>(plan_.classes));
    for (std::size_t c = 0; c < plan_.classes; ++c) {
        const Place place = reply.layout.place(c);
        const std::function<mpz_class(std::size_t)> word = [&](std::size_t position) {
            return integer(place.ciphertext, position);
        };
        for (std::size_t image = 0; image < reply.layout.batch; ++image) {
            logits[image][c] = Rules::logit(word, place.position, image, plan_.reply_coefficients);
        }
    }
    return logits;
}

double Client::noise_budget(const EncryptedTensor& tensor) const {
    const Decryptor decryptor(context_, generator_.shared_secret_key());
    double smallest = std::numeric_limits<double>::infinity();
    for (const auto& ciphertexts : tensor.residues) {
        for (const Ciphertext& ciphertext : ciphertexts) {
            smallest = std::min(smallest, decryptor.noise_budget(ciphertext));
        }
    }
    return smallest;
}

}  // namespace lacuna
