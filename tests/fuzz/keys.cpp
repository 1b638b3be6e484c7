// SPDX-License-Identifier: Apache-2.0
//
// Parameters, keys of every kind and plaintexts. What loads must come back the same when it is saved.

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include <lacuna/he/files/kind.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/ntt/error.h>
#include "tests/fuzz/input.h"

namespace lacuna::testing {
namespace {

void expect_same(const std::ostringstream& stream, std::span<const std::uint8_t> bytes) {
    const std::string_view text = stream.view();
    if (text.size() > bytes.size() || text != as_text(bytes.first(text.size()))) {
        std::abort();
    }
}

template <typename Object>
void expect_same(const Object& object, std::span<const std::uint8_t> bytes) {
    std::ostringstream stream;
    save(stream, fuzz_context().ring(), object);
    expect_same(stream, bytes);
}

void load(std::span<const std::uint8_t> bytes) {
    Source source(bytes, "fuzz");
    const Ring& ring = fuzz_context().ring();
    switch (static_cast<Kind>(bytes.size() > 7 ? bytes[7] : 0)) {
        case Kind::parameters: {
            std::ostringstream stream;
            save(stream, load_parameters(source));
            return expect_same(stream, bytes);
        }
        case Kind::secret_key:
            return expect_same(load_secret_key(source, ring), bytes);
        case Kind::public_key:
            return expect_same(load_public_key(source, ring), bytes);
        case Kind::relin_keys:
            return expect_same(load_relin_keys(source, ring), bytes);
        case Kind::galois_keys:
            return expect_same(load_galois_keys(source, ring), bytes);
        case Kind::evaluation_keys:
            return expect_same(load_evaluation_keys(source, ring), bytes);
        default:
            return expect_same(load_plaintext(source, fuzz_context()), bytes);
    }
}

}  // namespace
}  // namespace lacuna::testing

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        lacuna::testing::load({data, size});
    } catch (const lacuna::Error&) {
        // The one way in which a loader may fail.
    }
    return 0;
}
