// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The scheme: parameters, keys, encoders, encryption, evaluation, decryption, and its noise.
#include <lacuna/he/evaluation/evaluator.h>
#include <lacuna/he/evaluation/flooding.h>
#include <lacuna/he/evaluation/sparse_product.h>
#include <lacuna/he/fv/batch_encoder.h>
#include <lacuna/he/fv/binomial_encoder.h>
#include <lacuna/he/fv/ciphertext.h>
#include <lacuna/he/fv/coefficient_encoder.h>
#include <lacuna/he/fv/context.h>
#include <lacuna/he/fv/decryptor.h>
#include <lacuna/he/fv/encryptor.h>
#include <lacuna/he/fv/noise.h>
#include <lacuna/he/fv/parameters.h>
#include <lacuna/he/fv/plaintext.h>
#include <lacuna/he/fv/radix_encoder.h>
#include <lacuna/he/fv/reduced_ciphertext.h>
#include <lacuna/he/fv/rotation.h>
#include <lacuna/he/rlwe/evaluation_keys.h>
#include <lacuna/he/rlwe/key_generator.h>
#include <lacuna/he/rlwe/key_match.h>
