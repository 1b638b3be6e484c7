// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <span>

#include <lacuna/he/rlwe/evaluation_keys.h>
#include <lacuna/he/rlwe/ring.h>
#include <lacuna/nn/client/tensor_file.h>
#include "tools/service/request_error.h"

namespace lacuna::service {

/// Clients' evaluation keys in a folder, each key set in a file HASH.keys that is named by its checksum:
/// storing one again changes nothing. Files are written whole or not at all, and what a killed server left is
/// removed by the next. The time of a file's last use is its modification time, so that several servers may
/// share one folder; the ones used longest ago make room for new ones.
class KeyStore {
  public:
    /// Makes the folder where it is missing. Throws Error where it cannot be written.
    KeyStore(std::filesystem::path folder, std::uint64_t limit);

    /// Whether it is there; if so, it counts as used now.
    [[nodiscard]] bool touch(const KeySetId& id) const;
    /// Bytes of a key set, if it is there.
    [[nodiscard]] std::optional<std::uint64_t> size(const KeySetId& id) const;
    /// Takes what parse_keys() has found to be the key set of this name. Throws RequestError 413 where it is
    /// larger than the whole store may be.
    void put(const KeySetId& id, std::span<const std::uint8_t> record);
    /// Throws RequestError 404 where it is not there.
    [[nodiscard]] EvaluationKeys load(const KeySetId& id, const Ring& ring) const;

    struct Content {
        std::size_t key_sets = 0;
        std::uint64_t bytes = 0;
    };
    [[nodiscard]] Content content() const;

  private:
    [[nodiscard]] std::filesystem::path file_of(const KeySetId& id) const;
    /// Removes the ones used longest ago until there is room for so many bytes more.
    void make_room(std::uint64_t bytes);

    std::filesystem::path folder_;
    std::uint64_t limit_;
    std::mutex writing_;
};

/// What anybody has sent as the key set of this name. Throws RequestError, before anything is kept: 400 for a
/// secret key, which nobody but its owner may have, and for whatever is not that one record of evaluation
/// keys; 422 where the keys belong to another ring.
[[nodiscard]] EvaluationKeys parse_keys(const KeySetId& id, std::span<const std::uint8_t> record,
                                        const Ring& ring);

/// Throws RequestError 400 where bytes begin as a secret key does, under a passphrase or not.
void refuse_secrets(std::span<const std::uint8_t> bytes);

/// 404, for keys that are not there.
[[nodiscard]] RequestError unknown_keys(const KeySetId& id);

/// The ring that a record of keys belongs to. Throws RequestError 400 where it is none of evaluation keys.
[[nodiscard]] RingHash ring_of_keys(std::span<const std::uint8_t> record);

}  // namespace lacuna::service
