// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/client/upload_masks.h>

#include <algorithm>
#include <cstring>

#include <lacuna/ntt/error.h>

namespace lacuna {

void UploadMasks::add(const SeededCiphertext& ciphertext) {
    Mark mark{};
    std::memcpy(mark.data(), ciphertext.seed.data(), ciphertext.seed.size());
    add(mark);
}

void UploadMasks::add(const Ciphertext& ciphertext) {
    Mark mark{};
    std::copy_n(ciphertext.parts[1].limb(0), mark.size(), mark.begin());
    add(mark);
}

void UploadMasks::add(const Mark& mark) {
    const auto [earlier, fresh] = seen_.emplace(mark, seen_.size());
    if (!fresh) {
        throw Error(source_ + ": expected fresh randomness in every ciphertext, found that of ciphertext " +
                    std::to_string(earlier->second) + " again in ciphertext " + std::to_string(seen_.size()) +
                    "; encrypt every value anew");
    }
}

}  // namespace lacuna
