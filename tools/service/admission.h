// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include <lacuna/nn/client/tensor_file.h>
#include "tools/service/limits.h"

namespace lacuna::service {

/// Decides who may send a body: before the first byte of it is read, so that what is turned away has cost
/// nothing.
class Admission {
  public:
    explicit Admission(const Limits& limits) : limits_(limits) {}
    Admission(const Admission&) = delete;
    Admission& operator=(const Admission&) = delete;

    /// Memory for one body, and a place among its client's requests, until it dies.
    class Ticket {
      public:
        Ticket() = default;
        ~Ticket() { give_back(); }
        Ticket(Ticket&& other) noexcept { *this = std::move(other); }
        Ticket& operator=(Ticket&& other) noexcept {
            std::swap(admission_, other.admission_);
            std::swap(bytes_, other.bytes_);
            std::swap(client_, other.client_);
            return *this;
        }
        Ticket(const Ticket&) = delete;
        Ticket& operator=(const Ticket&) = delete;

        /// The body is gone; the place stays.
        void release_memory();

      private:
        friend class Admission;
        void give_back();

        Admission* admission_ = nullptr;
        std::uint64_t bytes_ = 0;
        std::optional<KeySetId> client_;
    };

    /// Throws RequestError: 413 for more than `most` bytes, 503 where others' bodies fill the memory, 429
    /// where the client has as many requests here as one may have.
    [[nodiscard]] Ticket admit(std::uint64_t bytes, std::uint64_t most,
                               const std::optional<KeySetId>& client);

    [[nodiscard]] std::uint64_t body_bytes() const;

  private:
    Limits limits_;
    mutable std::mutex mutex_;
    std::uint64_t bytes_ = 0;
    std::map<KeySetId, std::size_t> clients_;  // those with requests here
};

}  // namespace lacuna::service
