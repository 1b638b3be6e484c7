// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/record_parts.h>

#include <string>

#include <lacuna/he/files/bit_packing.h>
#include <lacuna/ntt/error.h>

namespace lacuna::detail {

std::uint64_t polynomial_bytes(const RnsBasis& basis, std::size_t limbs) {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < limbs; ++i) {
        bytes += packed_bytes(basis.n(), bits_below(basis.modulus(i).value()));
    }
    return bytes;
}

std::uint8_t version_for(const PlainModulus& t) {
    return t.is_integer() ? file_format_version : binomial_format_version;
}

std::size_t plain_modulus_bytes(const PlainModulus& t) {
    return t.is_integer() ? 8 : 16;
}

void write_plain_modulus(RecordWriter& writer, const PlainModulus& t) {
    if (t.is_integer()) {
        writer.u64(t.value());
        return;
    }
    writer.u32(static_cast<std::uint32_t>(t.power()));
    writer.zeros(4);
    writer.u64(static_cast<std::uint64_t>(t.base()));
}

PlainModulus read_plain_modulus(RecordReader& reader) {
    if (reader.header().version == file_format_version) {
        return PlainModulus(reader.u64("plaintext modulus"));
    }
    const std::uint64_t power =
        reader.integer_in(4, 1, max_ntt_size, "a power k of the plaintext modulus x^k - b", damaged);
    reader.zeros(4);
    const auto base = static_cast<std::int64_t>(reader.u64("base of the plaintext modulus"));
    if (base <= -max_plain_base || base >= max_plain_base || (base > -2 && base < 2)) {
        reader.fail("a base of the plaintext modulus with 2 <= |b| < 2^24", std::to_string(base), damaged);
    }
    return PlainModulus::binomial(static_cast<std::size_t>(power), base);
}

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

void check(Kind kind, bool fits, const char* expected) {
    if (!fits) {
        throw Error("save: " + std::string(kind_name(kind)) + ": expected " + expected +
                    "; only objects that the library made for this ring can be written");
    }
}

void check_ring(Kind kind, const Ring& ring, const RingHash& hash) {
    check(kind, hash == ring.hash(), "one of the given ring");
}

bool has_shape(const RnsPolynomial& polynomial, std::size_t n, std::size_t limbs, Form form) {
    return polynomial.n() == n && polynomial.limbs() == limbs && polynomial.form() == form;
}

}  // namespace lacuna::detail
