// SPDX-License-Identifier: Apache-2.0
#include "he/serialize.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "he/bit_packing.h"
#include "ntt/error.h"
#include "rns/ring_operations.h"

namespace lacuna {

namespace {

constexpr std::size_t max_listed_primes = 64;
constexpr std::size_t parameters_fixed_bytes = 16;
constexpr std::size_t key_fixed_bytes = 8;
constexpr std::size_t plaintext_fixed_bytes = 8;
constexpr std::size_t ciphertext_fixed_bytes = 24;
constexpr std::size_t seeded_fixed_bytes = 16;
constexpr std::size_t seed_bytes = Seed().size();
constexpr std::size_t element_bytes = 4;
constexpr std::uint64_t ternary_codes = 3;  // 0, 1 and 2 for 0, 1 and -1

constexpr const char* damaged = "fetch or write the data again";

// ---- sizes of bodies

std::uint64_t polynomial_bytes(const RnsBasis& basis, std::size_t limbs) {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < limbs; ++i) {
        bytes += packed_bytes(basis.n(), bits_below(basis.modulus(i).value()));
    }
    return bytes;
}

std::uint64_t public_half_bytes(const Ring& ring) {
    return seed_bytes + polynomial_bytes(ring.key_basis(), ring.key_basis().size());
}

std::uint64_t key_switch_bytes(const Ring& ring) {
    return seed_bytes +
           ring.digits(ring.max_limbs()) * polynomial_bytes(ring.key_basis(), ring.key_basis().size());
}

std::uint64_t reduced_body_bytes(const Ring& ring, const Reduction& reduction) {
    const std::size_t listed = reduction.coefficients.size();
    const int index_bits = bits_below(ring.n());
    return ciphertext_fixed_bytes + packed_bytes(listed, index_bits) +
           packed_bytes(listed == 0 ? ring.n() : listed, reduction.c0_bits) +
           packed_bytes(ring.n(), reduction.c1_bits);
}

// ---- what may be saved

[[noreturn]] void refuse(Kind kind, const std::string& expected) {
    throw Error("save: " + std::string(kind_name(kind)) + ": expected " + expected +
                "; only objects that the library made for this ring can be written");
}

void check(Kind kind, bool fits, const char* expected) {
    if (!fits) {
        refuse(kind, expected);
    }
}

void check_ring(Kind kind, const Ring& ring, const RingHash& hash) {
    check(kind, hash == ring.hash(), "one of the given ring");
}

bool has_shape(const RnsPolynomial& polynomial, std::size_t n, std::size_t limbs, Form form) {
    return polynomial.n() == n && polynomial.limbs() == limbs && polynomial.form() == form;
}

bool has_key_shape(const Ring& ring, const RnsPolynomial& polynomial) {
    return has_shape(polynomial, ring.n(), ring.key_basis().size(), Form::ntt);
}

void check_key_switch(Kind kind, const Ring& ring, const KeySwitchKey& key) {
    check(kind, ring.special().size() != 0, "a ring with special primes");
    check(kind, key.digits.size() == ring.digits(ring.max_limbs()), "as many digits as the ring has");
    for (const KeySwitchKey::Digit& digit : key.digits) {
        check(kind, has_key_shape(ring, digit.b), "digits modulo all primes in NTT form");
    }
}

void check_modulus(Kind kind, std::uint64_t t) {
    check(kind, t >= 2 && t >> max_modulus_bits == 0, "a plaintext modulus of 2 ... 2^50");
}

// ---- pieces

RecordHeader header_for(Kind kind, const Ring& ring, std::uint64_t body_bytes) {
    return {kind, file_format_version, body_bytes, ring.hash(), static_cast<std::uint32_t>(ring.n())};
}

void write_polynomial(RecordWriter& writer, const RnsBasis& basis, const RnsPolynomial& polynomial) {
    for (std::size_t i = 0; i < polynomial.limbs(); ++i) {
        writer.packed(polynomial.limb_span(i), basis.modulus(i).value());
    }
}

RnsPolynomial read_polynomial(RecordReader& reader, const RnsBasis& basis, std::size_t limbs, Form form,
                              const char* what) {
    RnsPolynomial polynomial = RnsPolynomial::uninitialised(basis.n(), limbs, form);
    for (std::size_t i = 0; i < limbs; ++i) {
        reader.packed(polynomial.limb_span(i), basis.modulus(i).value(), what);
    }
    return polynomial;
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
    writer.bytes(key.seed);
    for (const KeySwitchKey::Digit& digit : key.digits) {
        write_polynomial(writer, ring.key_basis(), digit.b);
    }
}

/// The a_d are left out until the checksum has been verified.
KeySwitchKey read_key_switch(RecordReader& reader, const Ring& ring) {
    if (ring.special().size() == 0) {
        reader.fail("no key-switching key, the parameters having no special primes", "one",
                    "use parameters with special primes, or files that belong together");
    }
    KeySwitchKey key;
    reader.bytes(key.seed, "seed");
    for (std::size_t d = 0; d < ring.digits(ring.max_limbs()); ++d) {
        key.digits.push_back({read_key_polynomial(reader, ring), {}});
    }
    return key;
}

void write_galois(RecordWriter& writer, const Ring& ring, const GaloisKeys& keys) {
    for (const auto& [element, entry] : keys.entries) {
        writer.u32(element);
        write_key_switch(writer, ring, entry.key);
    }
}

GaloisKeys read_galois(RecordReader& reader, const Ring& ring, std::size_t count) {
    GaloisKeys keys;
    keys.ring = ring.hash();
    const std::uint64_t largest = 2 * ring.n() - 1;
    std::uint64_t least = 3;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t element =
            reader.integer_in(element_bytes, least, largest, "a rising Galois element", damaged);
        if (element % 2 == 0) {
            reader.fail("an odd Galois element", std::to_string(element), damaged);
        }
        const auto key_element = static_cast<std::uint32_t>(element);
        keys.entries.emplace_hint(
            keys.entries.end(), key_element,
            GaloisKeys::Entry{read_key_switch(reader, ring), Automorphism(ring.n(), key_element)});
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

std::uint64_t read_plain_modulus(RecordReader& reader, const Context& context) {
    const std::uint64_t t = reader.u64("plaintext modulus");
    std::string known;
    for (std::size_t i = 0; i < context.plain_count(); ++i) {
        const std::uint64_t candidate = context.plain(i).modulus().value();
        if (candidate == t) {
            return t;
        }
        known += (known.empty() ? "" : " or ") + std::to_string(candidate);
    }
    reader.fail("a plaintext modulus t = " + known, std::to_string(t),
                "it was made for another plan: use files that belong together");
}

std::size_t read_level(RecordReader& reader, const Ring& ring) {
    return static_cast<std::size_t>(reader.integer_in(1, 1, ring.max_limbs(), "a number of limbs", damaged));
}

Ciphertext read_ciphertext(RecordReader& reader, const Context& context) {
    const Ring& ring = context.ring();
    Ciphertext ciphertext;
    ciphertext.ring = ring.hash();
    ciphertext.t = read_plain_modulus(reader, context);
    if (reader.f64("scale") != 1.0) {
        reader.fail("the scale 1", "another", damaged);
    }
    const auto parts = static_cast<std::size_t>(reader.integer_in(1, 2, 3, "a number of parts", damaged));
    const std::size_t limbs = read_level(reader, ring);
    const auto form =
        static_cast<Form>(reader.integer_in(1, 0, 1, "a form (0: coefficients, 1: NTT)", damaged));
    reader.zeros(5);
    reader.expect_body(ciphertext_fixed_bytes + parts * polynomial_bytes(ring.data(), limbs));
    for (std::size_t i = 0; i < parts; ++i) {
        ciphertext.parts.push_back(read_polynomial(reader, ring.data(), limbs, form, "a ciphertext part"));
    }
    reader.finish();
    return ciphertext;
}

SeededCiphertext read_seeded(RecordReader& reader, const Context& context) {
    const Ring& ring = context.ring();
    SeededCiphertext ciphertext;
    ciphertext.ring = ring.hash();
    ciphertext.t = read_plain_modulus(reader, context);
    const std::size_t limbs = read_level(reader, ring);
    reader.zeros(7);
    reader.bytes(ciphertext.seed, "seed");
    reader.expect_body(seeded_fixed_bytes + seed_bytes + polynomial_bytes(ring.data(), limbs));
    ciphertext.c0 = read_polynomial(reader, ring.data(), limbs, Form::coefficient, "c0");
    reader.finish();
    return ciphertext;
}

ReducedCiphertext read_reduced(RecordReader& reader, const Context& context) {
    const Ring& ring = context.ring();
    const std::size_t n = ring.n();
    const auto most = static_cast<std::uint64_t>(bits_below(ring.data().modulus(0).value()));
    ReducedCiphertext reduced;
    reduced.ring = ring.hash();
    reduced.t = read_plain_modulus(reader, context);
    reduced.reduction.c0_bits = static_cast<int>(reader.integer_in(1, 1, most, "bits of c0", damaged));
    reduced.reduction.c1_bits = static_cast<int>(reader.integer_in(1, 1, most, "bits of c1", damaged));
    reader.zeros(2);
    const auto listed =
        static_cast<std::size_t>(reader.integer_in(4, 0, n, "a number of coefficients", damaged));
    reader.zeros(8);
    reduced.reduction.coefficients.resize(listed);
    reader.expect_body(reduced_body_bytes(ring, reduced.reduction));
    if (listed != 0) {
        Buffer list = Buffer::uninitialised(listed);
        reader.packed(list.span(), n, "the list of coefficients");
        std::ranges::copy(list.span(), reduced.reduction.coefficients.begin());
        if (std::ranges::adjacent_find(reduced.reduction.coefficients, std::ranges::greater_equal()) !=
            reduced.reduction.coefficients.end()) {
            reader.fail("coefficient numbers in strictly rising order", "others", damaged);
        }
    }
    reduced.c0 = Buffer::uninitialised(listed == 0 ? n : listed);
    reader.packed(reduced.c0.span(), std::uint64_t{1} << reduced.reduction.c0_bits, "c0");
    reduced.c1 = Buffer::uninitialised(n);
    reader.packed(reduced.c1.span(), std::uint64_t{1} << reduced.reduction.c1_bits, "c1");
    reader.finish();
    return reduced;
}

/// Loads from a file that must end behind the record.
template <typename Load>
auto load_file(const std::filesystem::path& file, Load load) {
    Source source(file);
    auto object = load(source);
    source.expect_end();
    return object;
}

}  // namespace

// ---- parameters

void save(std::ostream& stream, const Parameters& parameters) {
    const Parameters resolved = resolve(parameters);
    const std::array lists = {&resolved.data_primes, &resolved.special_primes, &resolved.plain_moduli};
    std::uint64_t body = parameters_fixed_bytes;
    for (const auto* list : lists) {
        body += sizeof(std::uint64_t) * list->size();
    }
    RecordWriter writer(
        stream, {Kind::parameters, file_format_version, body, {}, static_cast<std::uint32_t>(resolved.n)});
    for (const auto* list : lists) {
        writer.u8(static_cast<std::uint8_t>(list->size()));
    }
    writer.u8(resolved.allow_insecure ? 1 : 0);
    writer.u16(static_cast<std::uint16_t>(resolved.digit_limbs));
    writer.u16(static_cast<std::uint16_t>(resolved.security));
    writer.zeros(8);
    for (const auto* list : lists) {
        for (const std::uint64_t prime : *list) {
            writer.u64(prime);
        }
    }
    writer.finish();
}

Parameters load_parameters(Source& source) {
    RecordReader reader(source);
    reader.expect_kind(Kind::parameters);
    reader.expect_no_ring();
    Parameters parameters;
    parameters.n = reader.header().n;
    std::array<std::pair<std::vector<std::uint64_t>*, std::size_t>, 3> lists = {
        {{&parameters.data_primes, 0}, {&parameters.special_primes, 0}, {&parameters.plain_moduli, 0}}};
    std::uint64_t body = parameters_fixed_bytes;
    for (auto& [list, count] : lists) {
        count = static_cast<std::size_t>(
            reader.integer_in(1, 0, max_listed_primes, "a number of primes", damaged));
        body += sizeof(std::uint64_t) * count;
    }
    parameters.allow_insecure = reader.integer_in(1, 0, 1, "allow_insecure", damaged) == 1;
    parameters.digit_limbs = reader.u16("digit size");
    parameters.security = reader.u16("security");
    reader.zeros(8);
    reader.expect_body(body);
    for (const auto& [list, count] : lists) {
        for (std::size_t i = 0; i < count; ++i) {
            list->push_back(reader.u64("prime"));
        }
    }
    reader.finish();
    try {
        return resolve(parameters);
    } catch (const Error& error) {
        throw Error(source.name() + ": " + error.what());
    }
}

// ---- keys

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
    check_key_switch(Kind::relin_keys, ring, keys.key);
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
    RelinKeys keys{ring.hash(), read_key_switch(reader, ring)};
    reader.finish();
    expand(ring, keys.key);
    return keys;
}

void save(std::ostream& stream, const Ring& ring, const GaloisKeys& keys) {
    check_ring(Kind::galois_keys, ring, keys.ring);
    for (const auto& [element, entry] : keys.entries) {
        check_key_switch(Kind::galois_keys, ring, entry.key);
    }
    const std::size_t count = keys.entries.size();
    RecordWriter writer(
        stream, header_for(Kind::galois_keys, ring, galois_keys_bytes(ring, count) - record_overhead_bytes));
    write_key_geometry(writer, ring);
    writer.zeros(2);
    writer.u32(static_cast<std::uint32_t>(count));
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
    reader.expect_body(galois_keys_bytes(ring, count) - record_overhead_bytes);
    GaloisKeys keys = read_galois(reader, ring, count);
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
        check_key_switch(kind, ring, keys.relin_keys->key);
    }
    for (const auto& [element, entry] : keys.galois_keys.entries) {
        check_ring(kind, ring, keys.galois_keys.ring);
        check_key_switch(kind, ring, entry.key);
    }
    const std::size_t count = keys.galois_keys.entries.size();
    const std::uint64_t bytes =
        evaluation_keys_bytes(ring, keys.public_key.has_value(), keys.relin_keys.has_value(), count);
    RecordWriter writer(stream, header_for(kind, ring, bytes - record_overhead_bytes));
    write_key_geometry(writer, ring);
    writer.u8(keys.public_key ? 1 : 0);
    writer.u8(keys.relin_keys ? 1 : 0);
    writer.u32(static_cast<std::uint32_t>(count));
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
    reader.expect_body(evaluation_keys_bytes(ring, has_public, has_relin, count) - record_overhead_bytes);
    EvaluationKeys keys;
    keys.ring = ring.hash();
    if (has_public) {
        keys.public_key = read_public(reader, ring);
    }
    if (has_relin) {
        keys.relin_keys = RelinKeys{ring.hash(), read_key_switch(reader, ring)};
    }
    keys.galois_keys = read_galois(reader, ring, count);
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

// ---- plaintexts and ciphertexts

void save(std::ostream& stream, const Ring& ring, const Plaintext& plaintext) {
    check_modulus(Kind::plaintext, plaintext.modulus());
    check(Kind::plaintext, plaintext.n() == ring.n(), "as many coefficients as the ring's degree");
    const std::uint64_t t = plaintext.modulus();
    RecordWriter writer(stream, {Kind::plaintext,
                                 file_format_version,
                                 plaintext_fixed_bytes + packed_bytes(ring.n(), bits_below(t)),
                                 {},
                                 static_cast<std::uint32_t>(ring.n())});
    writer.u64(t);
    writer.packed({plaintext.data(), plaintext.n()}, t, Secrecy::secret);
    writer.finish();
}

Plaintext load_plaintext(Source& source, const Context& context) {
    RecordReader reader(source);
    reader.expect_kind(Kind::plaintext);
    reader.expect_no_ring();
    const std::uint64_t t = read_plain_modulus(reader, context);
    if (reader.header().n != context.n()) {
        reader.fail("a plaintext of n = " + std::to_string(context.n()) + " coefficients",
                    std::to_string(reader.header().n), "use files that belong together");
    }
    reader.expect_body(plaintext_fixed_bytes + packed_bytes(context.n(), bits_below(t)));
    Plaintext plaintext(context.n(), t);
    reader.packed({plaintext.data(), plaintext.n()}, t, "the plaintext", Secrecy::secret);
    reader.finish();
    return plaintext;
}

void save(std::ostream& stream, const Ring& ring, const Ciphertext& ciphertext, Chain* chain) {
    constexpr Kind kind = Kind::ciphertext;
    check_ring(kind, ring, ciphertext.ring);
    check_modulus(kind, ciphertext.t);
    check(kind, ciphertext.scale == 1.0, "the scale 1");
    check(kind, ciphertext.size() == 2 || ciphertext.size() == 3, "2 or 3 parts");
    const std::size_t limbs = ciphertext.limbs();
    const Form form = ciphertext.form();
    check(kind, limbs >= 1 && limbs <= ring.max_limbs(), "a level of the ring");
    for (const RnsPolynomial& part : ciphertext.parts) {
        check(kind, has_shape(part, ring.n(), limbs, form), "parts of one degree, level and form");
    }
    RecordWriter writer(
        stream,
        header_for(kind, ring, ciphertext_bytes(ring, ciphertext.size(), limbs) - record_overhead_bytes),
        chain);
    writer.u64(ciphertext.t);
    writer.f64(ciphertext.scale);
    writer.u8(static_cast<std::uint8_t>(ciphertext.size()));
    writer.u8(static_cast<std::uint8_t>(limbs));
    writer.u8(static_cast<std::uint8_t>(form));
    writer.zeros(5);
    for (const RnsPolynomial& part : ciphertext.parts) {
        write_polynomial(writer, ring.data(), part);
    }
    writer.finish();
}

void save(std::ostream& stream, const Ring& ring, const SeededCiphertext& ciphertext, Chain* chain) {
    constexpr Kind kind = Kind::seeded_ciphertext;
    check_ring(kind, ring, ciphertext.ring);
    check_modulus(kind, ciphertext.t);
    const std::size_t limbs = ciphertext.c0.limbs();
    check(kind, limbs >= 1 && limbs <= ring.max_limbs(), "a level of the ring");
    check(kind, has_shape(ciphertext.c0, ring.n(), limbs, Form::coefficient), "c0 in coefficient form");
    RecordWriter writer(
        stream, header_for(kind, ring, seeded_ciphertext_bytes(ring, limbs) - record_overhead_bytes), chain);
    writer.u64(ciphertext.t);
    writer.u8(static_cast<std::uint8_t>(limbs));
    writer.zeros(7);
    writer.bytes(ciphertext.seed);
    write_polynomial(writer, ring.data(), ciphertext.c0);
    writer.finish();
}

void save(std::ostream& stream, const Ring& ring, const ReducedCiphertext& ciphertext, Chain* chain) {
    constexpr Kind kind = Kind::reduced_ciphertext;
    check_ring(kind, ring, ciphertext.ring);
    check_modulus(kind, ciphertext.t);
    const Reduction& reduction = ciphertext.reduction;
    validate(ring, reduction);
    const std::size_t listed = reduction.coefficients.size();
    check(kind, ciphertext.c0.size() == (listed == 0 ? ring.n() : listed) && ciphertext.c1.size() == ring.n(),
          "a word for every coefficient");
    RecordWriter writer(stream, header_for(kind, ring, reduced_body_bytes(ring, reduction)), chain);
    writer.u64(ciphertext.t);
    writer.u8(static_cast<std::uint8_t>(reduction.c0_bits));
    writer.u8(static_cast<std::uint8_t>(reduction.c1_bits));
    writer.zeros(2);
    writer.u32(static_cast<std::uint32_t>(listed));
    writer.zeros(8);
    const std::vector<std::uint64_t> list(reduction.coefficients.begin(), reduction.coefficients.end());
    writer.packed(list, ring.n());
    writer.packed(ciphertext.c0.span(), std::uint64_t{1} << reduction.c0_bits);
    writer.packed(ciphertext.c1.span(), std::uint64_t{1} << reduction.c1_bits);
    writer.finish();
}

Ciphertext load_ciphertext(Source& source, const Context& context) {
    RecordReader reader(source);
    switch (reader.header().kind) {
        case Kind::seeded_ciphertext:
            reader.expect_ring(context.ring());
            return expand(context.ring(), read_seeded(reader, context));
        case Kind::reduced_ciphertext:
            reader.expect_ring(context.ring());
            return restore(context.ring(), read_reduced(reader, context));
        default:
            reader.expect_kind(Kind::ciphertext);
            reader.expect_ring(context.ring());
            return read_ciphertext(reader, context);
    }
}

Ciphertext load_full_ciphertext(Source& source, const Context& context, Chain* chain) {
    RecordReader reader(source, chain);
    reader.expect_kind(Kind::ciphertext);
    reader.expect_ring(context.ring());
    return read_ciphertext(reader, context);
}

SeededCiphertext load_seeded_ciphertext(Source& source, const Context& context, Chain* chain) {
    RecordReader reader(source, chain);
    reader.expect_kind(Kind::seeded_ciphertext);
    reader.expect_ring(context.ring());
    return read_seeded(reader, context);
}

ReducedCiphertext load_reduced_ciphertext(Source& source, const Context& context, Chain* chain) {
    RecordReader reader(source, chain);
    reader.expect_kind(Kind::reduced_ciphertext);
    reader.expect_ring(context.ring());
    return read_reduced(reader, context);
}

// ---- files

void save_file(const std::filesystem::path& file, const Parameters& parameters, Overwrite overwrite) {
    write_file(file, Access::everyone, overwrite, [&](std::ostream& stream) { save(stream, parameters); });
}

Parameters load_parameters(const std::filesystem::path& file) {
    return load_file(file, [](Source& source) { return load_parameters(source); });
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

Plaintext load_plaintext(const std::filesystem::path& file, const Context& context) {
    return load_file(file, [&](Source& source) { return load_plaintext(source, context); });
}

Ciphertext load_ciphertext(const std::filesystem::path& file, const Context& context) {
    return load_file(file, [&](Source& source) { return load_ciphertext(source, context); });
}

// ---- sizes

std::uint64_t secret_key_bytes(const Ring& ring) {
    return record_overhead_bytes + packed_bytes(ring.n(), bits_below(ternary_codes));
}

std::uint64_t public_key_bytes(const Ring& ring) {
    return record_overhead_bytes + key_fixed_bytes + public_half_bytes(ring);
}

std::uint64_t relin_keys_bytes(const Ring& ring) {
    return record_overhead_bytes + key_fixed_bytes + key_switch_bytes(ring);
}

std::uint64_t galois_keys_bytes(const Ring& ring, std::size_t elements) {
    return record_overhead_bytes + key_fixed_bytes + elements * (element_bytes + key_switch_bytes(ring));
}

std::uint64_t evaluation_keys_bytes(const Ring& ring, bool public_key, bool relin_keys,
                                    std::size_t galois_elements) {
    return galois_keys_bytes(ring, galois_elements) + (public_key ? public_half_bytes(ring) : 0) +
           (relin_keys ? key_switch_bytes(ring) : 0);
}

std::uint64_t ciphertext_bytes(const Ring& ring, std::size_t parts, std::size_t limbs) {
    return record_overhead_bytes + ciphertext_fixed_bytes + parts * polynomial_bytes(ring.data(), limbs);
}

std::uint64_t seeded_ciphertext_bytes(const Ring& ring, std::size_t limbs) {
    return record_overhead_bytes + seeded_fixed_bytes + seed_bytes + polynomial_bytes(ring.data(), limbs);
}

std::uint64_t reduced_ciphertext_bytes(const Ring& ring, const Reduction& reduction) {
    return record_overhead_bytes + reduced_body_bytes(ring, reduction);
}

}  // namespace lacuna
