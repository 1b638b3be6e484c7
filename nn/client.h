// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The client's side, as lacuna::client links it: the client's half of a plan, keys, encryption, decryption,
/// and the files that travel.
#include <lacuna/he/files/byte_stream.h>
#include <lacuna/he/files/protected_key.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/nn/client/client.h>
#include <lacuna/nn/client/client_plan.h>
#include <lacuna/nn/client/tensor_file.h>
