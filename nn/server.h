// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The server's side: a plan, a model compiled for it, clients' evaluation keys and the files that travel.
#include <lacuna/he/files/byte_stream.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/nn/client/reply.h>
#include <lacuna/nn/client/tensor_file.h>
#include <lacuna/nn/plan.h>
#include <lacuna/nn/server/compiled_model.h>
#include <lacuna/nn/server/key_set.h>
#include <lacuna/nn/server/session.h>
