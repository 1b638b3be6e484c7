// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include <pybind11/pybind11.h>

#include <lacuna/nn/client/client.h>
#include <lacuna/nn/client/tensor_file.h>

namespace lacuna::python {

/// A client and the record of its evaluation keys, whose checksum its uploads name. The record is bytes of
/// Python's, so that a server may be given it again and again without copies.
struct HeldClient {
    std::shared_ptr<const Client> client;
    std::shared_ptr<const pybind11::bytes> record;  ///< none where a folder lacks them
    KeySetId id{};
};

/// The record, for calls without the GIL. Throws InputError where there is none.
[[nodiscard]] std::span<const std::uint8_t> record_of(const HeldClient& client);

/// Client.
void bind_client(pybind11::module_& module);

}  // namespace lacuna::python
