// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <utility>
#include <vector>

#include <lacuna/he/files/record_parts.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/ntt/error.h>

namespace lacuna {

namespace {

using namespace detail;

constexpr std::size_t max_listed_primes = 64;
constexpr std::size_t parameters_fixed_bytes = 16;
constexpr std::size_t binomial_bytes = 16;

}  // namespace

void save(std::ostream& stream, const Parameters& parameters) {
    const Parameters resolved = resolve(parameters);
    const std::array lists = {&resolved.data_primes, &resolved.special_primes, &resolved.plain_moduli};
    std::uint64_t body = parameters_fixed_bytes;
    for (const auto* list : lists) {
        body += sizeof(std::uint64_t) * list->size();
    }
    const std::vector<PlainModulus>& binomials = resolved.plain_polynomials;
    const std::uint8_t version = binomials.empty() ? file_format_version : binomial_format_version;
    body += binomial_bytes * binomials.size();
    RecordWriter writer(stream,
                        {Kind::parameters, version, body, {}, static_cast<std::uint32_t>(resolved.n)});
    for (const auto* list : lists) {
        writer.u8(static_cast<std::uint8_t>(list->size()));
    }
    writer.u8(resolved.allow_insecure ? 1 : 0);
    writer.u16(static_cast<std::uint16_t>(resolved.digit_limbs));
    writer.u16(static_cast<std::uint16_t>(resolved.security));
    writer.u8(static_cast<std::uint8_t>(binomials.size()));
    writer.zeros(7);
    for (const auto* list : lists) {
        for (const std::uint64_t prime : *list) {
            writer.u64(prime);
        }
    }
    for (const PlainModulus& t : binomials) {
        write_plain_modulus(writer, t);
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
    const bool named = reader.header().version == binomial_format_version;
    const auto binomials = static_cast<std::size_t>(
        reader.integer_in(1, named ? 1 : 0, named ? max_listed_primes : 0, "a number of binomials", damaged));
    body += binomial_bytes * binomials;
    reader.zeros(7);
    reader.expect_body(body);
    for (const auto& [list, count] : lists) {
        for (std::size_t i = 0; i < count; ++i) {
            list->push_back(reader.u64("prime"));
        }
    }
    for (std::size_t i = 0; i < binomials; ++i) {
        parameters.plain_polynomials.push_back(read_plain_modulus(reader));
    }
    reader.finish();
    try {
        return resolve(parameters);
    } catch (const Error& error) {
        throw Error(source.name() + ": " + error.what());
    }
}

void save_file(const std::filesystem::path& file, const Parameters& parameters, Overwrite overwrite) {
    write_file(file, Access::everyone, overwrite, [&](std::ostream& stream) { save(stream, parameters); });
}

Parameters load_parameters(const std::filesystem::path& file) {
    return load_file(file, [](Source& source) { return load_parameters(source); });
}

}  // namespace lacuna
