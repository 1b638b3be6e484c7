// SPDX-License-Identifier: Apache-2.0
//
// Streams of ciphertexts.

#include <lacuna/he/files/ciphertext_batch.h>
#include <lacuna/ntt/error.h>
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        lacuna::Source source(std::span(data, size), "fuzz");
        lacuna::BatchReader reader(source, lacuna::testing::fuzz_context());
        while (reader.left() != 0) {
            (void)reader.next();
        }
        reader.finish();
    } catch (const lacuna::Error&) {
        // The one way in which a loader may fail.
    }
    return 0;
}
