// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <ostream>
#include <type_traits>

#include <lacuna/he/files/digest.h>
#include <lacuna/he/files/output_file.h>
#include <lacuna/he/files/source.h>
#include <lacuna/he/fv/ciphertext.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/parameters.h>
#include <lacuna/he/fv/plaintext.h>
#include <lacuna/he/fv/reduced_ciphertext.h>
#include <lacuna/he/rlwe/evaluation_keys.h>
#include <lacuna/he/rlwe/keys.h>

namespace lacuna {

// Objects as bytes; he/files/file_format.md says which. Every object is one record. Saving throws Error where
// the object does not belong to the ring or the stream fails. Loading takes the ring or context that the
// object must belong to and trusts nothing: every length is compared with what the parameters ask before
// memory is taken, every residue with its modulus, and the checksum at the end. It throws one Error that
// names source, offset, expected, found and what to do. Memory stays below the size of the loaded object plus
// one polynomial, however long the input claims to be.
//
// Loading from a Source reads one record and stops behind it; loading from a path demands that the file ends
// there.

/// Resolved first: every prime by value. Throws Error as resolve() does.
void save(std::ostream& stream, const Parameters& parameters);
/// The coefficients at two bits each.
void save(std::ostream& stream, const Ring& ring, const SecretKey& key);
/// As seed and b, like all keys below.
void save(std::ostream& stream, const Ring& ring, const PublicKey& key);
void save(std::ostream& stream, const Ring& ring, const RelinKeys& keys);
void save(std::ostream& stream, const Ring& ring, const GaloisKeys& keys);
void save(std::ostream& stream, const Ring& ring, const EvaluationKeys& keys);
void save(std::ostream& stream, const Ring& ring, const Plaintext& plaintext);
/// chain: set by the writers of streams (he/files/ciphertext_batch.h) only, here and below.
void save(std::ostream& stream, const Ring& ring, const Ciphertext& ciphertext, Chain* chain = nullptr);
void save(std::ostream& stream, const Ring& ring, const SeededCiphertext& ciphertext, Chain* chain = nullptr);
void save(std::ostream& stream, const Ring& ring, const ReducedCiphertext& ciphertext,
          Chain* chain = nullptr);

/// At most 32768 coefficients and 64 primes of each sort, and whatever resolve() refuses.
[[nodiscard]] Parameters load_parameters(Source& source);
[[nodiscard]] SecretKey load_secret_key(Source& source, const Ring& ring);
[[nodiscard]] PublicKey load_public_key(Source& source, const Ring& ring);
[[nodiscard]] RelinKeys load_relin_keys(Source& source, const Ring& ring);
[[nodiscard]] GaloisKeys load_galois_keys(Source& source, const Ring& ring);
[[nodiscard]] EvaluationKeys load_evaluation_keys(Source& source, const Ring& ring);
/// t must be one of the context's, here and below.
[[nodiscard]] Plaintext load_plaintext(Source& source, const Context& context);
/// A ciphertext of any kind: a seeded one comes back expanded, a reduced one restored.
[[nodiscard]] Ciphertext load_ciphertext(Source& source, const Context& context);
/// Each as it is stored; any other kind is refused.
[[nodiscard]] Ciphertext load_full_ciphertext(Source& source, const Context& context, Chain* chain = nullptr);
[[nodiscard]] SeededCiphertext load_seeded_ciphertext(Source& source, const Context& context,
                                                      Chain* chain = nullptr);
[[nodiscard]] ReducedCiphertext load_reduced_ciphertext(Source& source, const Context& context,
                                                        Chain* chain = nullptr);

[[nodiscard]] Parameters load_parameters(const std::filesystem::path& file);
[[nodiscard]] SecretKey load_secret_key(const std::filesystem::path& file, const Ring& ring);
[[nodiscard]] PublicKey load_public_key(const std::filesystem::path& file, const Ring& ring);
[[nodiscard]] RelinKeys load_relin_keys(const std::filesystem::path& file, const Ring& ring);
[[nodiscard]] GaloisKeys load_galois_keys(const std::filesystem::path& file, const Ring& ring);
[[nodiscard]] EvaluationKeys load_evaluation_keys(const std::filesystem::path& file, const Ring& ring);
[[nodiscard]] Plaintext load_plaintext(const std::filesystem::path& file, const Context& context);
[[nodiscard]] Ciphertext load_ciphertext(const std::filesystem::path& file, const Context& context);

/// Writes a file as OutputFile does: complete or not at all. Secret keys and plaintexts are readable by their
/// owner only.
template <typename Object>
void save_file(const std::filesystem::path& file, const Ring& ring, const Object& object,
               Overwrite overwrite) {
    constexpr bool secret = std::is_same_v<Object, SecretKey> || std::is_same_v<Object, Plaintext>;
    write_file(file, secret ? Access::owner : Access::everyone, overwrite,
               [&](std::ostream& stream) { save(stream, ring, object); });
}
void save_file(const std::filesystem::path& file, const Parameters& parameters, Overwrite overwrite);

// Sizes of whole records in bytes, for plans. Of ciphertexts, with an integer plaintext modulus: a binomial
// takes binomial_name_bytes more.
inline constexpr std::uint64_t binomial_name_bytes = 8;

[[nodiscard]] std::uint64_t secret_key_bytes(const Ring& ring);
[[nodiscard]] std::uint64_t public_key_bytes(const Ring& ring);
[[nodiscard]] std::uint64_t relin_keys_bytes(const Ring& ring);
[[nodiscard]] std::uint64_t galois_keys_bytes(const Ring& ring, std::size_t elements);
[[nodiscard]] std::uint64_t evaluation_keys_bytes(const Ring& ring, bool public_key, bool relin_keys,
                                                  std::size_t galois_elements);
/// The same for Galois keys for ciphertexts of fewer limbs than the ring has: of each key.
[[nodiscard]] std::uint64_t galois_keys_bytes(const Ring& ring, std::span<const std::size_t> limbs);
[[nodiscard]] std::uint64_t evaluation_keys_bytes(const Ring& ring, bool public_key, bool relin_keys,
                                                  std::span<const std::size_t> galois_limbs);
[[nodiscard]] std::uint64_t evaluation_keys_bytes(const Ring& ring, const EvaluationKeys& keys);
[[nodiscard]] std::uint64_t ciphertext_bytes(const Ring& ring, std::size_t parts, std::size_t limbs);
[[nodiscard]] std::uint64_t seeded_ciphertext_bytes(const Ring& ring, std::size_t limbs);
[[nodiscard]] std::uint64_t reduced_ciphertext_bytes(const Ring& ring, const Reduction& reduction);

}  // namespace lacuna
