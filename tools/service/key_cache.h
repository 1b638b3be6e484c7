// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>

#include <lacuna/he/rlwe/evaluation_keys.h>
#include <lacuna/nn/client/tensor_file.h>

namespace lacuna::service {

/// Evaluation keys in memory, ready for use, the ones used longest ago making room for others. A key set is
/// of one ring, so its name is enough.
class KeyCache {
  public:
    explicit KeyCache(std::uint64_t limit) : limit_(limit) {}
    KeyCache(const KeyCache&) = delete;
    KeyCache& operator=(const KeyCache&) = delete;

    using Keys = std::shared_ptr<const EvaluationKeys>;

    /// The keys, loaded by `load` where they are not here. Of several that want the same ones at a time each
    /// may load them; one result is kept.
    [[nodiscard]] Keys get(const KeySetId& id, const std::function<EvaluationKeys()>& load);
    void put(const KeySetId& id, Keys keys);

    [[nodiscard]] std::uint64_t bytes() const;

  private:
    struct Entry {
        KeySetId id;
        Keys keys;
        std::uint64_t bytes;
    };

    std::uint64_t limit_;
    mutable std::mutex mutex_;
    std::list<Entry> entries_;  // used last first
    std::map<KeySetId, std::list<Entry>::iterator> places_;
    std::uint64_t bytes_ = 0;
};

/// What they take in memory.
[[nodiscard]] std::uint64_t memory_bytes(const EvaluationKeys& keys);

}  // namespace lacuna::service
