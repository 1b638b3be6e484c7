// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include <lacuna/he/files/record.h>
#include <lacuna/he/files/source.h>
#include <lacuna/he/fv/plain_modulus.h>
#include <lacuna/he/rlwe/keys.h>
#include <lacuna/he/rlwe/ring.h>
#include <lacuna/rns/basis.h>
#include <lacuna/rns/polynomial.h>

// Pieces that the records of keys and of ciphertexts share; he/files/serialize.h is the interface.

namespace lacuna::detail {

/// What to do about a field that no release writes.
inline constexpr const char* damaged = "fetch or write the data again";

/// Of one polynomial, packed, modulo the first `limbs` primes of the basis.
[[nodiscard]] std::uint64_t polynomial_bytes(const RnsBasis& basis, std::size_t limbs);
void write_polynomial(RecordWriter& writer, const RnsBasis& basis, const RnsPolynomial& polynomial);
/// what: its name in messages.
[[nodiscard]] RnsPolynomial read_polynomial(RecordReader& reader, const RnsBasis& basis, std::size_t limbs,
                                            Form form, const char* what);

/// The format version of a record that names this plaintext modulus, how many bytes the name takes, and the
/// name: u64 t in version 1, u32 k, four zero bytes and i64 b in version 2.
[[nodiscard]] std::uint8_t version_for(const PlainModulus& t);
[[nodiscard]] std::size_t plain_modulus_bytes(const PlainModulus& t);
void write_plain_modulus(RecordWriter& writer, const PlainModulus& t);
/// As the header's version says; any that PlainModulus can name, with k and |b| in range.
[[nodiscard]] PlainModulus read_plain_modulus(RecordReader& reader);

[[nodiscard]] RecordHeader header_for(Kind kind, const Ring& ring, std::uint64_t body_bytes);
[[nodiscard]] bool has_shape(const RnsPolynomial& polynomial, std::size_t n, std::size_t limbs, Form form);
/// Throws Error, that an object of this kind cannot be saved, unless it fits.
void check(Kind kind, bool fits, const char* expected);
void check_ring(Kind kind, const Ring& ring, const RingHash& hash);

/// The rest of a plain secret key's record, whose header has been read.
[[nodiscard]] SecretKey read_secret_key(RecordReader& reader, const Ring& ring);

/// Loads from a file that must end behind the record.
template <typename Load>
[[nodiscard]] auto load_file(const std::filesystem::path& file, Load load) {
    Source source(file);
    auto object = load(source);
    source.expect_end();
    return object;
}

}  // namespace lacuna::detail
