// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <lacuna/he/files/bit_packing.h>
#include <lacuna/he/files/record_parts.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/he/fv/ciphertext_size.h>

namespace lacuna {

namespace {

using namespace detail;

// With an integer plaintext modulus, whose name takes 8 bytes; a binomial's takes 8 more.
constexpr std::size_t ciphertext_fixed_bytes = 24;
constexpr std::size_t seeded_fixed_bytes = 16;
constexpr std::size_t seed_bytes = Seed().size();

std::uint64_t reduced_body_bytes(const Ring& ring, const Reduction& reduction) {
    const std::size_t listed = reduction.coefficients.size();
    const int index_bits = bits_below(ring.n());
    return ciphertext_fixed_bytes + packed_bytes(listed, index_bits) +
           packed_bytes(listed == 0 ? ring.n() : listed, reduction.c0_bits) +
           packed_bytes(ring.n(), reduction.c1_bits);
}

std::size_t extra_bytes(const PlainModulus& t) {
    return plain_modulus_bytes(t) - plain_modulus_bytes(PlainModulus(2));
}

/// The header of a ciphertext whose body has so many bytes with an integer plaintext modulus.
RecordHeader header_for(Kind kind, const Ring& ring, std::uint64_t body_bytes, const PlainModulus& t) {
    RecordHeader header = detail::header_for(kind, ring, body_bytes + extra_bytes(t));
    header.version = version_for(t);
    return header;
}

void check_modulus(Kind kind, const Ring& ring, const PlainModulus& t) {
    if (t.is_integer()) {
        check(kind, t.value() >= 2 && t.value() >> max_modulus_bits == 0,
              "a plaintext modulus of 2 ... 2^50");
    } else {
        check(kind, binomial_problem(t, ring.n(), {}).empty(), "a plaintext modulus x^k - b of the ring");
    }
}

/// Words of a plaintext as a record holds them, from 0 on: modulo x^k - b the coefficient bound is added.
std::uint64_t word_offset(const PlainModulus& t) {
    return t.is_integer() ? 0 : static_cast<std::uint64_t>(t.coefficient_bound());
}
std::uint64_t word_bound(const PlainModulus& t) {
    return t.is_integer() ? t.value() : 2 * word_offset(t) + 1;
}

PlainModulus read_known_modulus(RecordReader& reader, const Context& context) {
    const PlainModulus t = read_plain_modulus(reader);
    std::string known;
    for (std::size_t i = 0; i < context.plain_count(); ++i) {
        const PlainModulus& candidate = context.plain(i).t();
        if (candidate == t) {
            return t;
        }
        known += (known.empty() ? "" : " or ") + to_string(candidate);
    }
    reader.fail("a plaintext modulus t = " + known, to_string(t),
                "it was made for another plan: use files that belong together");
}

std::size_t read_level(RecordReader& reader, const Ring& ring) {
    return static_cast<std::size_t>(reader.integer_in(1, 1, ring.max_limbs(), "a number of limbs", damaged));
}

Ciphertext read_ciphertext(RecordReader& reader, const Context& context) {
    const Ring& ring = context.ring();
    Ciphertext ciphertext;
    ciphertext.ring = ring.hash();
    ciphertext.t = read_known_modulus(reader, context);
    if (reader.f64("scale") != 1.0) {
        reader.fail("the scale 1", "another", damaged);
    }
    const auto parts =
        static_cast<std::size_t>(reader.integer_in(1, 2, max_ciphertext_parts, "a number of parts", damaged));
    const std::size_t limbs = read_level(reader, ring);
    const auto form =
        static_cast<Form>(reader.integer_in(1, 0, 1, "a form (0: coefficients, 1: NTT)", damaged));
    reader.zeros(5);
    reader.expect_body(extra_bytes(ciphertext.t) + ciphertext_fixed_bytes +
                       parts * polynomial_bytes(ring.data(), limbs));
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
    ciphertext.t = read_known_modulus(reader, context);
    const std::size_t limbs = read_level(reader, ring);
    reader.zeros(7);
    reader.bytes(ciphertext.seed, "seed");
    reader.expect_body(extra_bytes(ciphertext.t) + seeded_fixed_bytes + seed_bytes +
                       polynomial_bytes(ring.data(), limbs));
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
    reduced.t = read_known_modulus(reader, context);
    reduced.reduction.c0_bits = static_cast<int>(reader.integer_in(1, 1, most, "bits of c0", damaged));
    reduced.reduction.c1_bits = static_cast<int>(reader.integer_in(1, 1, most, "bits of c1", damaged));
    reader.zeros(2);
    const auto listed =
        static_cast<std::size_t>(reader.integer_in(4, 0, n, "a number of coefficients", damaged));
    reader.zeros(8);
    reduced.reduction.coefficients.resize(listed);
    reader.expect_body(extra_bytes(reduced.t) + reduced_body_bytes(ring, reduced.reduction));
    if (listed != 0) {
        Buffer list = Buffer::uninitialised(listed);
        reader.packed(list.span(), n, "the list of coefficients");
        std::copy_n(list.data(), list.size(), reduced.reduction.coefficients.begin());
        if (std::adjacent_find(reduced.reduction.coefficients.begin(), reduced.reduction.coefficients.end(),
                               std::greater_equal<>()) != reduced.reduction.coefficients.end()) {
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

}  // namespace

void save(std::ostream& stream, const Ring& ring, const Plaintext& plaintext) {
    const PlainModulus& t = plaintext.t();
    check_modulus(Kind::plaintext, ring, t);
    check(Kind::plaintext, plaintext.n() == ring.n(), "as many coefficients as the ring's degree");
    const std::uint64_t bound = word_bound(t);
    RecordWriter writer(stream, {Kind::plaintext,
                                 version_for(t),
                                 plain_modulus_bytes(t) + packed_bytes(ring.n(), bits_below(bound)),
                                 {},
                                 static_cast<std::uint32_t>(ring.n())});
    write_plain_modulus(writer, t);
    Buffer words = Buffer::uninitialised(plaintext.n(), Secrecy::secret);
    for (std::size_t i = 0; i < plaintext.n(); ++i) {
        words[i] = plaintext[i] + word_offset(t);
    }
    writer.packed(words.span(), bound, Secrecy::secret);
    writer.finish();
}

Plaintext load_plaintext(Source& source, const Context& context) {
    RecordReader reader(source);
    reader.expect_kind(Kind::plaintext);
    reader.expect_no_ring();
    const PlainModulus t = read_known_modulus(reader, context);
    if (reader.header().n != context.n()) {
        reader.fail("a plaintext of n = " + std::to_string(context.n()) + " coefficients",
                    std::to_string(reader.header().n), "use files that belong together");
    }
    const std::uint64_t bound = word_bound(t);
    reader.expect_body(plain_modulus_bytes(t) + packed_bytes(context.n(), bits_below(bound)));
    Plaintext plaintext(context.n(), t);
    reader.packed({plaintext.data(), plaintext.n()}, bound, "the plaintext", Secrecy::secret);
    for (std::size_t i = 0; i < plaintext.n(); ++i) {
        plaintext[i] -= word_offset(t);
    }
    reader.finish();
    return plaintext;
}

void save(std::ostream& stream, const Ring& ring, const Ciphertext& ciphertext, Chain* chain) {
    constexpr Kind kind = Kind::ciphertext;
    check_ring(kind, ring, ciphertext.ring);
    check_modulus(kind, ring, ciphertext.t);
    check(kind, ciphertext.size() >= 2 && ciphertext.size() <= max_ciphertext_parts, "2 to 5 parts");
    const std::size_t limbs = ciphertext.limbs();
    const Form form = ciphertext.form();
    check(kind, limbs >= 1 && limbs <= ring.max_limbs(), "a level of the ring");
    for (const RnsPolynomial& part : ciphertext.parts) {
        check(kind, has_shape(part, ring.n(), limbs, form), "parts of one degree, level and form");
    }
    RecordWriter writer(
        stream,
        header_for(kind, ring, ciphertext_bytes(ring, ciphertext.size(), limbs) - record_overhead_bytes,
                   ciphertext.t),
        chain);
    write_plain_modulus(writer, ciphertext.t);
    writer.f64(1.0);  // the scale, which FV has no use for
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
    check_modulus(kind, ring, ciphertext.t);
    const std::size_t limbs = ciphertext.c0.limbs();
    check(kind, limbs >= 1 && limbs <= ring.max_limbs(), "a level of the ring");
    check(kind, has_shape(ciphertext.c0, ring.n(), limbs, Form::coefficient), "c0 in coefficient form");
    RecordWriter writer(
        stream,
        header_for(kind, ring, seeded_ciphertext_bytes(ring, limbs) - record_overhead_bytes, ciphertext.t),
        chain);
    write_plain_modulus(writer, ciphertext.t);
    writer.u8(static_cast<std::uint8_t>(limbs));
    writer.zeros(7);
    writer.bytes(ciphertext.seed);
    write_polynomial(writer, ring.data(), ciphertext.c0);
    writer.finish();
}

void save(std::ostream& stream, const Ring& ring, const ReducedCiphertext& ciphertext, Chain* chain) {
    constexpr Kind kind = Kind::reduced_ciphertext;
    check_ring(kind, ring, ciphertext.ring);
    check_modulus(kind, ring, ciphertext.t);
    const Reduction& reduction = ciphertext.reduction;
    validate(ring, reduction);
    const std::size_t listed = reduction.coefficients.size();
    check(kind, ciphertext.c0.size() == (listed == 0 ? ring.n() : listed) && ciphertext.c1.size() == ring.n(),
          "a word for every coefficient");
    RecordWriter writer(stream, header_for(kind, ring, reduced_body_bytes(ring, reduction), ciphertext.t),
                        chain);
    write_plain_modulus(writer, ciphertext.t);
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

Plaintext load_plaintext(const std::filesystem::path& file, const Context& context) {
    return load_file(file, [&](Source& source) { return load_plaintext(source, context); });
}

Ciphertext load_ciphertext(const std::filesystem::path& file, const Context& context) {
    return load_file(file, [&](Source& source) { return load_ciphertext(source, context); });
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
