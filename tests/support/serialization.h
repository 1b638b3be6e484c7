// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <sstream>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <lacuna/he/files/serialize.h>
#include <lacuna/ntt/error.h>
#include "tests/support/golden.h"
#include "tests/support/records.h"

namespace lacuna::testing {

inline Bytes bytes_of(const std::ostringstream& stream) {
    const std::string text = stream.str();
    return {text.begin(), text.end()};
}

inline Bytes saved(const Parameters& parameters) {
    std::ostringstream stream;
    save(stream, parameters);
    return bytes_of(stream);
}

template <typename Object>
Bytes saved(const Ring& ring, const Object& object) {
    std::ostringstream stream;
    save(stream, ring, object);
    return bytes_of(stream);
}

/// Loads with `load` and demands that nothing is left.
template <typename Load>
auto loaded(const Bytes& bytes, Load load) {
    Source source(bytes, "memory");
    auto object = load(source);
    source.expect_end();
    return object;
}

inline void expect_error(const std::function<void()>& action, std::initializer_list<const char*> parts) {
    try {
        action();
        ADD_FAILURE() << "expected an Error with '" << *parts.begin() << "'";
    } catch (const Error& error) {
        for (const char* part : parts) {
            EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
                << part << " in: " << error.what();
        }
    }
}

/// Loads of objects of the golden ring, damaged one byte at a time: each refusal has its own message.
class RefusalTest : public ::testing::Test {
  protected:
    GoldenObjects golden;
    const Context& context = golden.context;
    const Ring& ring = golden.ring;
    const Bytes ciphertext = saved(ring, golden.ciphertext());

    static std::function<void()> loading(Bytes bytes, const std::function<void(Source&)>& load) {
        return [bytes = std::move(bytes), load] {
            Source source(bytes, "upload.lct");
            load(source);
        };
    }
    std::function<void()> loading_ciphertext(Bytes bytes) const {
        return loading(std::move(bytes), [this](Source& source) { (void)load_ciphertext(source, context); });
    }
    /// With one byte replaced and the checksum made right again.
    static Bytes with(Bytes bytes, std::size_t offset, std::uint8_t value) {
        bytes.at(offset) = value;
        reseal(bytes);
        return bytes;
    }
};

}  // namespace lacuna::testing
