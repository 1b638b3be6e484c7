// SPDX-License-Identifier: Apache-2.0
#include <lacuna/he/files/inspect.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <lacuna/he/files/ciphertext_batch.h>
#include <lacuna/he/files/record.h>
#include <lacuna/he/files/record_parts.h>

namespace lacuna {

namespace {

constexpr const char* damaged = "fetch or write the data again";
constexpr std::size_t max_plain_moduli_shown = 64;

void note_modulus(FileDescription& description, const PlainModulus& t) {
    if (!t.is_integer()) {
        auto& known = description.plain_polynomials;
        if (std::ranges::find(known, t) == known.end() && known.size() < max_plain_moduli_shown) {
            known.push_back(t);
        }
        return;
    }
    auto& known = description.plain_moduli;
    const auto place = std::ranges::lower_bound(known, t.value());
    if ((place == known.end() || *place != t.value()) && known.size() < max_plain_moduli_shown) {
        known.insert(place, t.value());
    }
}

void note_level(FileDescription& description, std::size_t parts, std::size_t limbs) {
    description.parts = std::max(description.parts, parts);
    description.least_limbs = description.ciphertexts == 1 ? limbs : std::min(description.least_limbs, limbs);
    description.most_limbs = std::max(description.most_limbs, limbs);
}

void read_parameters(RecordReader& reader, FileDescription& description) {
    Parameters parameters;
    parameters.n = reader.header().n;
    std::array<std::pair<std::vector<std::uint64_t>*, std::size_t>, 3> lists = {
        {{&parameters.data_primes, 0}, {&parameters.special_primes, 0}, {&parameters.plain_moduli, 0}}};
    for (auto& [list, count] : lists) {
        count = reader.u8("number of primes");
    }
    parameters.allow_insecure = reader.u8("allow_insecure") != 0;
    parameters.digit_limbs = reader.u16("digit size");
    parameters.security = reader.u16("security");
    const bool named = reader.header().version == binomial_format_version;
    const std::uint64_t binomials =
        reader.integer_in(1, 0, named ? max_plain_moduli_shown : 0, "a number of binomials", damaged);
    reader.zeros(7);
    for (const auto& [list, count] : lists) {
        for (std::size_t i = 0; i < count; ++i) {
            list->push_back(reader.u64("prime"));
        }
    }
    for (std::uint64_t i = 0; i < binomials; ++i) {
        parameters.plain_polynomials.push_back(detail::read_plain_modulus(reader));
    }
    description.parameters = std::move(parameters);
}

void read_key_fields(RecordReader& reader, FileDescription& description) {
    description.key_digits = reader.u8("number of digits");
    description.key_limbs = reader.u8("number of limbs");
    const std::uint8_t first = reader.u8("public key");
    const std::uint8_t second = reader.u8("relinearisation key");
    const std::uint32_t count = reader.u32("number of Galois elements");
    const Kind kind = reader.header().kind;
    description.has_public_key = kind == Kind::public_key || (kind == Kind::evaluation_keys && first != 0);
    description.has_relin_keys = kind == Kind::relin_keys || (kind == Kind::evaluation_keys && second != 0);
    description.galois_elements = count;
}

void read_ciphertext_fields(RecordReader& reader, FileDescription& description) {
    ++description.ciphertexts;
    note_modulus(description, detail::read_plain_modulus(reader));
    if (reader.header().kind == Kind::seeded_ciphertext) {
        note_level(description, 2, reader.u8("number of limbs"));
    } else if (reader.header().kind == Kind::ciphertext) {
        (void)reader.f64("scale");
        const std::size_t parts = reader.u8("number of parts");
        note_level(description, parts, reader.u8("number of limbs"));
    } else {
        note_level(description, 2, 1);
        const int c0_bits = reader.u8("bits of c0");
        const int c1_bits = reader.u8("bits of c1");
        reader.zeros(2);
        const std::uint32_t listed = reader.u32("number of coefficients");
        if (description.ciphertexts == 1) {
            description.c0_bits = c0_bits;
            description.c1_bits = c1_bits;
            description.coefficients = listed == 0 ? description.n : listed;
        }
    }
}

void read_batch(RecordReader& reader, FileDescription& description, Source& source, Chain& chain) {
    const std::uint64_t count = reader.integer_in(4, 1, max_batch_count, "a number of ciphertexts", damaged);
    description.item = static_cast<Kind>(reader.integer_in(
        1, static_cast<std::uint64_t>(Kind::ciphertext), static_cast<std::uint64_t>(Kind::reduced_ciphertext),
        "a kind of ciphertext", damaged));
    reader.zeros(7);
    description.layout_bytes = reader.u32("layout's length");
    reader.skip();
    reader.finish();
    for (std::uint64_t i = 0; i < count; ++i) {
        RecordReader item(source, &chain);
        item.expect_kind(description.item);
        if (item.header().ring != reader.header().ring || item.header().n != reader.header().n) {
            item.fail("ciphertexts of one ring", "another ring", damaged);
        }
        read_ciphertext_fields(item, description);
        item.skip();
        item.finish();
    }
}

}  // namespace

FileDescription inspect(Source& source) {
    FileDescription description = inspect_next(source);
    source.expect_end();
    return description;
}

FileDescription inspect_next(Source& source) {
    const std::uint64_t start = source.offset();
    Chain chain;
    RecordReader reader(source, &chain);
    FileDescription description;
    description.kind = reader.header().kind;
    description.version = reader.header().version;
    description.n = reader.header().n;
    if (reader.header().ring != RingHash{}) {
        description.ring = reader.header().ring;
    }
    switch (description.kind) {
        case Kind::parameters:
            read_parameters(reader, description);
            break;
        case Kind::public_key:
        case Kind::relin_keys:
        case Kind::galois_keys:
        case Kind::evaluation_keys:
            read_key_fields(reader, description);
            break;
        case Kind::plaintext:
            note_modulus(description, detail::read_plain_modulus(reader));
            break;
        case Kind::ciphertext:
        case Kind::seeded_ciphertext:
        case Kind::reduced_ciphertext:
            read_ciphertext_fields(reader, description);
            break;
        case Kind::batch:
            read_batch(reader, description, source, chain);
            break;
        case Kind::secret_key:
        case Kind::protected_secret_key:
            break;
    }
    if (description.kind != Kind::batch) {
        reader.skip();
        reader.finish();
    }
    description.bytes = source.offset() - start;
    return description;
}

}  // namespace lacuna
