// SPDX-License-Identifier: Apache-2.0
#include "tools/service/admission.h"

#include <string>

#include "tools/service/request_error.h"

namespace lacuna::service {

namespace {

constexpr int retry_seconds = 1;

}  // namespace

Admission::Ticket Admission::admit(std::uint64_t bytes, std::uint64_t most,
                                   const std::optional<KeySetId>& client) {
    if (bytes > most || bytes > limits_.body_memory) {
        throw RequestError(413, "too_large",
                           "body: expected at most " + std::to_string(std::min(most, limits_.body_memory)) +
                               " bytes, found " + std::to_string(bytes) +
                               "; split the images into several uploads, or ask the operator for more");
    }
    const std::lock_guard lock(mutex_);
    if (bytes > limits_.body_memory - bytes_) {
        throw RequestError(503, "busy",
                           "expected memory for a body of " + std::to_string(bytes) +
                               " bytes, found it in use by other requests; try again later",
                           retry_seconds);
    }
    if (client) {
        std::size_t& requests = clients_[*client];
        if (requests >= limits_.per_client) {
            throw RequestError(429, "too_many_requests",
                               "expected at most " + std::to_string(limits_.per_client) +
                                   " requests of one key set at a time, found more; wait for replies",
                               retry_seconds);
        }
        ++requests;
    }
    bytes_ += bytes;
    Ticket ticket;
    ticket.admission_ = this;
    ticket.bytes_ = bytes;
    ticket.client_ = client;
    return ticket;
}

std::uint64_t Admission::body_bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
}

void Admission::Ticket::release_memory() {
    if (admission_ != nullptr) {
        const std::lock_guard lock(admission_->mutex_);
        admission_->bytes_ -= std::exchange(bytes_, 0);
    }
}

void Admission::Ticket::give_back() {
    release_memory();
    if (admission_ != nullptr && client_) {
        const std::lock_guard lock(admission_->mutex_);
        const auto entry = admission_->clients_.find(*client_);
        if (--entry->second == 0) {
            admission_->clients_.erase(entry);
        }
    }
    admission_ = nullptr;
}

}  // namespace lacuna::service
