// SPDX-License-Identifier: Apache-2.0
#include "tools/service/key_cache.h"

#include <utility>

namespace lacuna::service {

namespace {

std::uint64_t bytes_of(const RnsPolynomial& polynomial) {
    return polynomial.n() * polynomial.limbs() * sizeof(std::uint64_t);
}

std::uint64_t bytes_of(const KeySwitchKey& key) {
    std::uint64_t bytes = 0;
    for (const KeySwitchKey::Digit& digit : key.digits) {
        bytes += bytes_of(digit.b) + bytes_of(digit.a);
    }
    return bytes;
}

}  // namespace

std::uint64_t memory_bytes(const EvaluationKeys& keys) {
    std::uint64_t bytes = 0;
    if (keys.public_key) {
        bytes += bytes_of(keys.public_key->b) + bytes_of(keys.public_key->a);
    }
    if (keys.relin_keys) {
        bytes += bytes_of(keys.relin_keys->key);
    }
    for (const auto& [element, entry] : keys.galois_keys.entries) {
        bytes += bytes_of(entry.key);
    }
    return bytes;
}

KeyCache::Keys KeyCache::get(const KeySetId& id, const std::function<EvaluationKeys()>& load) {
    {
        const std::lock_guard lock(mutex_);
        if (const auto place = places_.find(id); place != places_.end()) {
            entries_.splice(entries_.begin(), entries_, place->second);
            return place->second->keys;
        }
    }
    auto keys = std::make_shared<const EvaluationKeys>(load());
    put(id, keys);
    return keys;
}

void KeyCache::put(const KeySetId& id, Keys keys) {
    const std::uint64_t bytes = memory_bytes(*keys);
    const std::lock_guard lock(mutex_);
    if (bytes > limit_ || places_.contains(id)) {
        return;
    }
    while (bytes_ + bytes > limit_) {
        bytes_ -= entries_.back().bytes;
        places_.erase(entries_.back().id);
        entries_.pop_back();  // whoever works with them keeps them
    }
    entries_.push_front({id, std::move(keys), bytes});
    places_.emplace(id, entries_.begin());
    bytes_ += bytes;
}

std::uint64_t KeyCache::bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
}

}  // namespace lacuna::service
