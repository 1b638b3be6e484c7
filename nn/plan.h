// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Models, and plans of their encrypted inference: no key is needed.
#include <lacuna/nn/model/model.h>
#include <lacuna/nn/model/reference.h>
#include <lacuna/nn/plan/plan.h>
