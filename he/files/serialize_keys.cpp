// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <lacuna/he/files/bit_packing.h>
#include <lacuna/he/files/record_parts.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/he/rlwe/key_switch.h>
#include <lacuna/rns/ring_operations.h>

namespace lacuna {

namespace {

using namespace detail;

constexpr std::size_t key_fixed_bytes = 8;
constexpr std::size_t seed_bytes = Seed().size();
constexpr std::size_t element_bytes = 4;
constexpr std::uint64_t ternary_codes = 3;  // 0, 1 and 2 for 0, 1 and -1

std::uint64_t public_half_bytes(const Ring& ring) {
    return seed_bytes + polynomial_bytes(ring.key_basis(), ring.key_basis().size());
}

std::uint64_t key_switch_bytes(const Ring& ring, std::size_t limbs) {
    const RnsBasis basis = key_primes(ring, limbs);
    return seed_bytes + ring.digits(limbs) * polynomial_bytes(basis, basis.size());
}

std::uint64_t key_switch_bytes(const Ring& ring) {
    return key_switch_bytes(ring, ring.max_limbs());
}

bool has_key_shape(const Ring& ring, const RnsPolynomial& polynomial) {
    return has_shape(polynomial, ring.n(), ring.key_basis().size(), Form::ntt);
}

void check_key_switch(Kind kind, const Ring& ring, const KeySwitchKey& key, std::size_t limbs) {
    check(kind, ring.special().size() != 0, "a ring with special primes");
    check(kind, limbs >= 1 && limbs <= ring.max_limbs(), "keys for the ring's ciphertexts");
    check(kind, key.digits.size() == ring.digits(limbs), "as many digits as there are in so many limbs");
    for (const KeySwitchKey::Digit& digit : key.digits) {
        check(kind, has_shape(digit.b, ring.n(), limbs + ring.special().size(), Form::ntt),
              "digits modulo all primes in NTT form");
    }
}

void check_galois(Kind kind, const Ring& ring, const GaloisKeys& keys) {
    for (const auto& [element, entry] : keys.entries) {
        check_ring(kind, ring, keys.ring);
        check_key_switch(kind, ring, entry.key, key_limbs(ring, entry.key));
    }
}

RnsPolynomial read_key_polynomial(RecordReader& reader, const Ring& ring) {
    return read_polynomial(reader, ring.key_basis(), ring.key_basis().size(), Form::ntt, "b");
}

void write_public(RecordWriter& writer, const Ring& ring, const PublicKey& key) {
    writer.bytes(key.seed);
    write_polynomial(writer, ring.key_basis(), key.b);
}

PublicKey read_public(RecordReader& reader, const Ring& ring) {
    PublicKey key;
    key.ring = ring.hash();
    reader.bytes(key.seed, "seed");
    key.b = read_key_polynomial(reader, ring);
    return key;
}

void write_key_switch(RecordWriter& writer, const Ring& ring, const KeySwitchKey& key) {
    const RnsBasis basis = key_primes(ring, key_limbs(ring, key));
    writer.bytes(key.seed);
    for (const KeySwitchKey::Digit& digit : key.digits) {
        write_polynomial(writer, basis, digit.b);
    }
}

/// The a_d are left out until the checksum has been verified.
KeySwitchKey read_key_switch(RecordReader& reader, const Ring& ring, std::size_t limbs) {
    if (ring.special().size() == 0) {
        reader.fail("no key-switching key, the parameters having no special primes", "one",
                    "use parameters with special primes, or files that belong together");
    }
    KeySwitchKey key;
    reader.bytes(key.seed, "seed");
    const RnsBasis basis = key_primes(ring, limbs);
    for (std::size_t d = 0; d < ring.digits(limbs); ++d) {
        key.digits.push_back({read_polynomial(reader, basis, basis.size(), Form::ntt, "b"), {}});
    }
    return key;
}

void write_galois(RecordWriter& writer, const Ring& ring, const GaloisKeys& keys) {
    for (const auto& [element, entry] : keys.entries) {
        writer.u32(element);
        write_key_switch(writer, ring, entry.key);
    }
}

/// Of each key, for how many limbs it is.
std::vector<std::size_t> limbs_of(const Ring& ring, const GaloisKeys& keys) {
    std::vector<std::size_t> limbs;
    for (const auto& [element, entry] : keys.entries) {
        limbs.push_back(key_limbs(ring, entry.key));
    }
    return limbs;
}

bool are_whole(const Ring& ring, std::span<const std::size_t> limbs) {
    return std::ranges::all_of(limbs, [&](std::size_t of_key) { return of_key == ring.max_limbs(); });
}

/// Version 1 where all keys are whole.
RecordHeader keys_header(Kind kind, const Ring& ring, std::span<const std::size_t> limbs,
                         std::uint64_t bytes) {
    RecordHeader header = header_for(kind, ring, bytes - record_overhead_bytes);
    header.version = are_whole(ring, limbs) ? file_format_version : short_keys_format_version;
    return header;
}

void write_limbs(RecordWriter& writer, const Ring& ring, std::span<const std::size_t> limbs) {
    if (are_whole(ring, limbs)) {
        return;
    }
    for (const std::size_t of_key : limbs) {
        writer.u8(static_cast<std::uint8_t>(of_key));
    }
}

std::vector<std::size_t> read_limbs(RecordReader& reader, const Ring& ring, std::size_t count) {
    std::vector<std::size_t> limbs(count, ring.max_limbs());
    if (reader.header().version != short_keys_format_version) {
        return limbs;
    }
    for (std::size_t& of_key : limbs) {
        of_key =
            static_cast<std::size_t>(reader.integer_in(1, 1, ring.max_limbs(), "a number of limbs", damaged));
    }
    if (are_whole(ring, limbs)) {
        reader.fail("a key for fewer limbs than the ring has, or version 1", "none", damaged);
    }
    return limbs;
}

GaloisKeys read_galois(RecordReader& reader, const Ring& ring, std::span<const std::size_t> limbs) {
    GaloisKeys keys;
    keys.ring = ring.hash();
    const std::uint64_t largest = 2 * ring.n() - 1;
    std::uint64_t least = 3;
    for (const std::size_t of_key : limbs) {
        const std::uint64_t element =
            reader.integer_in(element_bytes, least, largest, "a rising Galois element", damaged);
        if (element % 2 == 0) {
            reader.fail("an odd Galois element", std::to_string(element), damaged);
        }
        const auto key_element = static_cast<std::uint32_t>(element);
        keys.entries.emplace_hint(
            keys.entries.end(), key_element,
            GaloisKeys::Entry{read_key_switch(reader, ring, of_key), Automorphism(ring.n(), key_element)});
        least = element + 2;
    }
    return keys;
}

void write_key_geometry(RecordWriter& writer, const Ring& ring) {
    writer.u8(static_cast<std::uint8_t>(ring.digits(ring.max_limbs())));
    writer.u8(static_cast<std::uint8_t>(ring.key_basis().size()));
}

void read_key_geometry(RecordReader& reader, const Ring& ring) {
    const std::size_t digits = ring.digits(ring.max_limbs());
    const std::size_t limbs = ring.key_basis().size();
    (void)reader.integer_in(1, digits, digits, "a number of digits of", damaged);
    (void)reader.integer_in(1, limbs, limbs, "a number of limbs of", damaged);
}

void expand(const Ring& ring, GaloisKeys& keys) {
    for (auto& [element, entry] : keys.entries) {
        lacuna::expand(ring, entry.key);
    }
}

}  // namespace

void save(std::ostream& stream, const Ring& ring, const SecretKey& key) {
    check_ring(Kind::secret_key, ring, key.ring);
    check(Kind::secret_key, has_key_shape(ring, key.s), "s modulo all primes in NTT form");
    RnsPolynomial s = key.s.first_limbs(1);  // as secret as its origin
    to_coefficients(ring.key_basis(), s);
    const std::uint64_t minus_one = ring.key_basis().modulus(0).value() - 1;
    std::uint64_t foreign = 0;
    for (std::uint64_t& word : s.limb_span(0)) {
        const std::uint64_t code = std::uint64_t{word == 1} + 2 * std::uint64_t{word == minus_one};
        foreign |= std::uint64_t{word != 0} ^ std::uint64_t{code != 0};
        word = code;
    }
    check(Kind::secret_key, foreign == 0, "ternary coefficients");
    RecordWriter writer(
        stream, header_for(Kind::secret_key, ring, packed_bytes(ring.n(), bits_below(ternary_codes))));
    writer.packed(s.limb_span(0), ternary_codes, Secrecy::secret);
    writer.finish();
}

SecretKey load_secret_key(Source& source, const Ring& ring) {
    RecordReader reader(source);
    return read_secret_key(reader, ring);
}

SecretKey detail::read_secret_key(RecordReader& reader, const Ring& ring) {
    reader.expect_kind(Kind::secret_key);
    reader.expect_ring(ring);
    reader.expect_body(packed_bytes(ring.n(), bits_below(ternary_codes)));
    Buffer coefficients = Buffer::uninitialised(ring.n(), Secrecy::secret);
    reader.packed(coefficients.span(), ternary_codes, "s", Secrecy::secret);
    reader.finish();
    for (std::uint64_t& word : coefficients.span()) {
        word = (word & 1) - (word >> 1);
    }
    SecretKey key;
    key.ring = ring.hash();
    key.s =
        RnsPolynomial::uninitialised(ring.n(), ring.key_basis().size(), Form::coefficient, Secrecy::secret);
    set_signed(ring.key_basis(), coefficients.data(), key.s);
    to_ntt(ring.key_basis(), key.s);
    return key;
}

void save(std::ostream& stream, const Ring& ring, const PublicKey& key) {
    check_ring(Kind::public_key, ring, key.ring);
    check(Kind::public_key, has_key_shape(ring, key.b), "b modulo all primes in NTT form");
    RecordWriter writer(stream,
                        header_for(Kind::public_key, ring, key_fixed_bytes + public_half_bytes(ring)));
    write_key_geometry(writer, ring);
    writer.zeros(6);
    write_public(writer, ring, key);
    writer.finish();
}

PublicKey load_public_key(Source& source, const Ring& ring) {
    RecordReader reader(source);
    reader.expect_kind(Kind::public_key);
    reader.expect_ring(ring);
    reader.expect_body(key_fixed_bytes + public_half_bytes(ring));
    read_key_geometry(reader, ring);
    reader.zeros(6);
    PublicKey key = read_public(reader, ring);
    reader.finish();
    expand(ring, key);
    return key;
}

void save(std::ostream& stream, const Ring& ring, const RelinKeys& keys) {
    check_ring(Kind::relin_keys, ring, keys.ring);
    check_key_switch(Kind::relin_keys, ring, keys.key, ring.max_limbs());
    RecordWriter writer(stream, header_for(Kind::relin_keys, ring, key_fixed_bytes + key_switch_bytes(ring)));
    write_key_geometry(writer, ring);
    writer.zeros(6);
    write_key_switch(writer, ring, keys.key);
    writer.finish();
}

RelinKeys load_relin_keys(Source& source, const Ring& ring) {
    RecordReader reader(source);
    reader.expect_kind(Kind::relin_keys);
    reader.expect_ring(ring);
    reader.expect_body(key_fixed_bytes + key_switch_bytes(ring));
    read_key_geometry(reader, ring);
    reader.zeros(6);
    RelinKeys keys{ring.hash(), read_key_switch(reader, ring, ring.max_limbs())};
    reader.finish();
    expand(ring, keys.key);
    return keys;
}

void save(std::ostream& stream, const Ring& ring, const GaloisKeys& keys) {
    check_ring(Kind::galois_keys, ring, keys.ring);
    check_galois(Kind::galois_keys, ring, keys);
    const std::vector<std::size_t> limbs = limbs_of(ring, keys);
    RecordWriter writer(stream, keys_header(Kind::galois_keys, ring, limbs, galois_keys_bytes(ring, limbs)));
    write_key_geometry(writer, ring);
    writer.zeros(2);
    writer.u32(static_cast<std::uint32_t>(limbs.size()));
    write_limbs(writer, ring, limbs);
    write_galois(writer, ring, keys);
    writer.finish();
}

GaloisKeys load_galois_keys(Source& source, const Ring& ring) {
    RecordReader reader(source);
    reader.expect_kind(Kind::galois_keys);
    reader.expect_ring(ring);
    read_key_geometry(reader, ring);
    reader.zeros(2);
    const auto count = static_cast<std::size_t>(
        reader.integer_in(4, 0, ring.n() - 1, "a number of Galois elements", damaged));
    const std::vector<std::size_t> limbs = read_limbs(reader, ring, count);
    reader.expect_body(galois_keys_bytes(ring, limbs) - record_overhead_bytes);
    GaloisKeys keys = read_galois(reader, ring, limbs);
    reader.finish();
    expand(ring, keys);
    return keys;
}

void save(std::ostream& stream, const Ring& ring, const EvaluationKeys& keys) {
    constexpr Kind kind = Kind::evaluation_keys;
    check_ring(kind, ring, keys.ring);
    if (keys.public_key) {
        check_ring(kind, ring, keys.public_key->ring);
        check(kind, has_key_shape(ring, keys.public_key->b), "b modulo all primes in NTT form");
    }
    if (keys.relin_keys) {
        check_ring(kind, ring, keys.relin_keys->ring);
        check_key_switch(kind, ring, keys.relin_keys->key, ring.max_limbs());
    }
    check_galois(kind, ring, keys.galois_keys);
    const std::vector<std::size_t> limbs = limbs_of(ring, keys.galois_keys);
    RecordWriter writer(stream, keys_header(kind, ring, limbs, evaluation_keys_bytes(ring, keys)));
    write_key_geometry(writer, ring);
    writer.u8(keys.public_key ? 1 : 0);
    writer.u8(keys.relin_keys ? 1 : 0);
    writer.u32(static_cast<std::uint32_t>(limbs.size()));
    write_limbs(writer, ring, limbs);
    if (keys.public_key) {
        write_public(writer, ring, *keys.public_key);
    }
    if (keys.relin_keys) {
        write_key_switch(writer, ring, keys.relin_keys->key);
    }
    write_galois(writer, ring, keys.galois_keys);
    writer.finish();
}

EvaluationKeys load_evaluation_keys(Source& source, const Ring& ring) {
    RecordReader reader(source);
    reader.expect_kind(Kind::evaluation_keys);
    reader.expect_ring(ring);
    read_key_geometry(reader, ring);
    const bool has_public = reader.integer_in(1, 0, 1, "a number of public keys", damaged) == 1;
    const bool has_relin = reader.integer_in(1, 0, 1, "a number of relinearisation keys", damaged) == 1;
    const auto count = static_cast<std::size_t>(
        reader.integer_in(4, 0, ring.n() - 1, "a number of Galois elements", damaged));
    const std::vector<std::size_t> limbs = read_limbs(reader, ring, count);
    reader.expect_body(evaluation_keys_bytes(ring, has_public, has_relin, limbs) - record_overhead_bytes);
    EvaluationKeys keys;
    keys.ring = ring.hash();
    if (has_public) {
        keys.public_key = read_public(reader, ring);
    }
    if (has_relin) {
        keys.relin_keys = RelinKeys{ring.hash(), read_key_switch(reader, ring, ring.max_limbs())};
    }
    keys.galois_keys = read_galois(reader, ring, limbs);
    reader.finish();
    if (has_public) {
        expand(ring, *keys.public_key);
    }
    if (has_relin) {
        expand(ring, keys.relin_keys->key);
    }
    expand(ring, keys.galois_keys);
    return keys;
}

SecretKey load_secret_key(const std::filesystem::path& file, const Ring& ring) {
    return load_file(file, [&](Source& source) { return load_secret_key(source, ring); });
}

PublicKey load_public_key(const std::filesystem::path& file, const Ring& ring) {
    return load_file(file, [&](Source& source) { return load_public_key(source, ring); });
}

RelinKeys load_relin_keys(const std::filesystem::path& file, const Ring& ring) {
    return load_file(file, [&](Source& source) { return load_relin_keys(source, ring); });
}

GaloisKeys load_galois_keys(const std::filesystem::path& file, const Ring& ring) {
    return load_file(file, [&](Source& source) { return load_galois_keys(source, ring); });
}

EvaluationKeys load_evaluation_keys(const std::filesystem::path& file, const Ring& ring) {
    return load_file(file, [&](Source& source) { return load_evaluation_keys(source, ring); });
}

std::uint64_t secret_key_bytes(const Ring& ring) {
    return record_overhead_bytes + packed_bytes(ring.n(), bits_below(ternary_codes));
}

std::uint64_t public_key_bytes(const Ring& ring) {
    return record_overhead_bytes + key_fixed_bytes + public_half_bytes(ring);
}

std::uint64_t relin_keys_bytes(const Ring& ring) {
    return record_overhead_bytes + key_fixed_bytes + key_switch_bytes(ring);
}

std::uint64_t galois_keys_bytes(const Ring& ring, std::span<const std::size_t> limbs) {
    std::uint64_t bytes = record_overhead_bytes + key_fixed_bytes;
    for (const std::size_t of_key : limbs) {
        bytes += element_bytes + key_switch_bytes(ring, of_key);
    }
    return bytes + (are_whole(ring, limbs) ? 0 : limbs.size());
}

std::uint64_t galois_keys_bytes(const Ring& ring, std::size_t elements) {
    return galois_keys_bytes(ring, std::vector(elements, ring.max_limbs()));
}

std::uint64_t evaluation_keys_bytes(const Ring& ring, bool public_key, bool relin_keys,
                                    std::span<const std::size_t> galois_limbs) {
    return galois_keys_bytes(ring, galois_limbs) + (public_key ? public_half_bytes(ring) : 0) +
           (relin_keys ? key_switch_bytes(ring) : 0);
}

std::uint64_t evaluation_keys_bytes(const Ring& ring, bool public_key, bool relin_keys,
                                    std::size_t galois_elements) {
    return evaluation_keys_bytes(ring, public_key, relin_keys,
                                 std::vector(galois_elements, ring.max_limbs()));
}

std::uint64_t evaluation_keys_bytes(const Ring& ring, const EvaluationKeys& keys) {
    return evaluation_keys_bytes(ring, keys.public_key.has_value(), keys.relin_keys.has_value(),
                                 limbs_of(ring, keys.galois_keys));
}

}  // namespace lacuna
