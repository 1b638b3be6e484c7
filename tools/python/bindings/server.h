// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

namespace lacuna::python {

/// CompiledModel and Session.
void bind_server(pybind11::module_& module);

}  // namespace lacuna::python
