// SPDX-License-Identifier: Apache-2.0
#include "tools/machines/message_bytes.h"

#include <lacuna/ntt/error.h>

namespace lacuna {

void MessageWriter::append(const void* data, std::size_t size) {
    const auto* const first = static_cast<const std::uint8_t*>(data);
    bytes_.insert(bytes_.end(), first, first + size);
}

std::string MessageReader::text() {
    const auto bytes = take(value<std::uint64_t>());
    return {bytes.begin(), bytes.end()};
}

std::span<const std::uint8_t> MessageReader::take(std::size_t size) {
    if (size > bytes_.size() - at_) {
        throw Error("message: expected " + std::to_string(size) + " more bytes, found " +
                    std::to_string(bytes_.size() - at_) + "; run the same lacuna on every machine");
    }
    at_ += size;
    return std::span(bytes_).subspan(at_ - size, size);
}

}  // namespace lacuna
