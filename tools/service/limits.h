// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace lacuna::service {

/// What a server grants to everybody together and to each one, so that its memory and time are bounded
/// whatever arrives.
struct Limits {
    std::size_t connections = 256;                          ///< open at a time, a thread each
    std::size_t head_bytes = std::size_t{16} << 10;         ///< request line and headers
    std::uint64_t upload_bytes = std::uint64_t{512} << 20;  ///< of one request for inference
    std::uint64_t key_bytes = std::uint64_t{256} << 20;     ///< of one key set
    std::uint64_t body_memory = std::uint64_t{1} << 30;     ///< bodies held at a time
    std::size_t concurrent = 2;                             ///< requests worked on at a time
    std::size_t queue = 64;                                 ///< and those that wait for that
    std::size_t per_client = 8;                             ///< of one key set, working and waiting
    std::uint64_t store_bytes = std::uint64_t{10} << 30;    ///< key sets on disk
    std::uint64_t cache_bytes = std::uint64_t{1} << 30;     ///< key sets in memory

    std::chrono::milliseconds idle{30'000};  ///< between two requests of a connection
    std::chrono::milliseconds head{10'000};  ///< from a request's first byte to the end of its headers
    std::chrono::milliseconds transfer{
        10'000};  ///< for a body or reply, and beyond that what this rate takes:
    std::uint64_t least_rate = std::uint64_t{256} << 10;  ///< bytes a second
    std::chrono::milliseconds work{300'000};              ///< in the queue and in work
    std::chrono::milliseconds notice{300};                ///< from SIGTERM on, for proxies to go elsewhere
    std::chrono::milliseconds drain{25'000};              ///< from SIGTERM on, for requests that have begun

    /// Time that so many bytes may take.
    [[nodiscard]] std::chrono::milliseconds transfer_time(std::uint64_t bytes) const {
        return transfer + std::chrono::milliseconds(bytes * 1000 / least_rate);
    }
};

}  // namespace lacuna::service
