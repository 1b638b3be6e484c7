// SPDX-License-Identifier: Apache-2.0
//
// Writes the golden files of he/ into a folder: once for every version of the file format, never again for
// the same.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include <lacuna/he/files/ciphertext_batch.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/ntt/error.h>
#include "tests/support/golden.h"

namespace lacuna::testing {
namespace {

template <typename Item>
void write_batch(const std::filesystem::path& file, const Ring& ring, Kind kind, std::size_t count,
                 const Item& item) {
    write_file(file, Access::everyone, Overwrite::refuse, [&](std::ostream& stream) {
        BatchWriter writer(stream, ring, kind, count, GoldenObjects::layout());
        for (std::size_t i = 0; i < count; ++i) {
            writer.write(item);
        }
        writer.finish();
    });
}

void write_all(const std::filesystem::path& folder) {
    const GoldenObjects golden;
    const Ring& ring = golden.ring;
    const auto put = [&](const char* name, const auto& object) {
        save_file(folder / name, ring, object, Overwrite::refuse);
    };
    save_file(folder / "parameters.lct", golden_parameters(), Overwrite::refuse);
    put("secret.key", golden.secret_key());
    put("plaintext.lct", golden.plaintext());
    put("ciphertext.lct", golden.ciphertext());
    put("squared.lct", golden.squared());
    put("seeded.lct", golden.seeded_ciphertext());
    put("reduced.lct", golden.reduced());
    put("reduced_some.lct", golden.reduced_some());
    write_batch(folder / "batch.lct", ring, Kind::ciphertext, 2, golden.one_limb());
    write_batch(folder / "batch_seeded.lct", ring, Kind::seeded_ciphertext, 3, golden.seeded_ciphertext());
    write_batch(folder / "batch_reduced.lct", ring, Kind::reduced_ciphertext, 2, golden.reduced_some());

    const KeyGenerator generator(golden.context.shared_ring(), golden.secret_key());
    EvaluationKeys keys;
    keys.ring = ring.hash();
    keys.public_key = generator.public_key();
    keys.relin_keys = generator.relin_keys();
    const std::array steps = {1, -2};
    keys.galois_keys = generator.galois_keys(steps, true);
    put("public.key", *keys.public_key);
    put("relin.keys", *keys.relin_keys);
    put("galois.keys", keys.galois_keys);
    put("evaluation.keys", keys);
}

/// Version 2: binomial plaintext moduli.
void write_binomials(const std::filesystem::path& folder) {
    const GoldenObjects golden;
    const Context context(golden_binomial_parameters());
    const Ring& ring = context.ring();
    save_file(folder / "parameters_2.lct", golden_binomial_parameters(), Overwrite::refuse);
    save_file(folder / "plaintext_2.lct", ring, GoldenObjects::binomial_plaintext(), Overwrite::refuse);
    const SeededCiphertext seeded = golden.seeded_binomial(context);
    save_file(folder / "seeded_2.lct", ring, seeded, Overwrite::refuse);
    const Ciphertext full = expand(ring, seeded);
    save_file(folder / "ciphertext_2.lct", ring, full, Overwrite::refuse);
    const ReducedCiphertext reduced = reduce(ring, Evaluator(context).mod_switch_to(full, 1), {26, 28, {}});
    save_file(folder / "reduced_2.lct", ring, reduced, Overwrite::refuse);
    write_batch(folder / "batch_2.lct", ring, Kind::reduced_ciphertext, 2, reduced);
}

/// Version 2 of keys: some for ciphertexts of fewer limbs.
void write_short_keys(const std::filesystem::path& folder) {
    const GoldenObjects golden;
    const Ring& ring = golden.ring;
    const KeyGenerator generator(golden.context.shared_ring(), golden.secret_key());
    EvaluationKeys keys;
    keys.ring = ring.hash();
    keys.relin_keys = generator.relin_keys();
    keys.galois_keys = generator.galois_keys_for(std::array<std::uint32_t, 3>{3, 9, 31}, 1,
                                                 std::array<std::size_t, 3>{3, 1, 2});
    save_file(folder / "evaluation_2.keys", ring, keys, Overwrite::refuse);
}

}  // namespace
}  // namespace lacuna::testing

int main(int argc, char** argv) {
    const std::string_view part = argc == 3 ? argv[2] : "1";
    if (argc < 2 || argc > 3 || (part != "1" && part != "2" && part != "2-keys")) {
        std::fprintf(stderr, "usage: %s FOLDER [2|2-keys]\n", argv[0]);
        return EXIT_FAILURE;
    }
    try {
        part == "1"   ? lacuna::testing::write_all(argv[1])
        : part == "2" ? lacuna::testing::write_binomials(argv[1])
                      : lacuna::testing::write_short_keys(argv[1]);
    } catch (const lacuna::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
