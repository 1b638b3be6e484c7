// SPDX-License-Identifier: Apache-2.0
//
// Single ciphertexts of every kind; what loads must be legal for the evaluator and come back the same when
// saved.

#include <cstdlib>
#include <sstream>

#include <lacuna/he/evaluation/evaluator.h>
#include <lacuna/he/files/kind.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/ntt/error.h>
#include "tests/fuzz/input.h"

namespace lacuna::testing {
namespace {

template <typename Item>
void expect_same(const Item& item, std::span<const std::uint8_t> bytes) {
    std::ostringstream stream;
    save(stream, fuzz_context().ring(), item);
    const std::string_view text = stream.view();
    if (text.size() > bytes.size() || text != as_text(bytes.first(text.size()))) {
        std::abort();
    }
}

void load(std::span<const std::uint8_t> bytes) {
    const Context& context = fuzz_context();
    Source source(bytes, "fuzz");
    switch (static_cast<Kind>(bytes.size() > 7 ? bytes[7] : 0)) {
        case Kind::seeded_ciphertext:
            expect_same(load_seeded_ciphertext(source, context), bytes);
            break;
        case Kind::reduced_ciphertext:
            expect_same(load_reduced_ciphertext(source, context), bytes);
            break;
        default:
            expect_same(load_full_ciphertext(source, context), bytes);
    }
    Source again(bytes, "fuzz");
    const Ciphertext ciphertext = load_ciphertext(again, context);
    static const Evaluator evaluator(context);
    (void)evaluator.add(ciphertext, ciphertext);
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
