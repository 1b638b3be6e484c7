// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Parameters, keys, plaintexts and ciphertexts as bytes, in files and in memory.
#include <lacuna/he/files/byte_stream.h>
#include <lacuna/he/files/ciphertext_batch.h>
#include <lacuna/he/files/inspect.h>
#include <lacuna/he/files/output_file.h>
#include <lacuna/he/files/parameters_json.h>
#include <lacuna/he/files/protected_key.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/he/files/source.h>
