// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

namespace lacuna::python {

/// RemoteClient and RemoteReport, where the service is built.
void bind_remote(pybind11::module_& module);

}  // namespace lacuna::python
