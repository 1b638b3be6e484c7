// SPDX-License-Identifier: Apache-2.0
#include <pybind11/pybind11.h>

#include <lacuna/ntt/kernels.h>
#include "tools/python/bindings/calls.h"
#include "tools/python/bindings/client.h"
#include "tools/python/bindings/model.h"
#include "tools/python/bindings/scheme.h"
#include "tools/python/bindings/server.h"
#ifdef LACUNA_SERVICE
#include "tools/python/bindings/remote.h"
#endif

PYBIND11_MODULE(_lacuna, module) {
    namespace python = lacuna::python;
    module.doc() = "The compiled part of lacuna; import lacuna instead.";
    python::bind_errors(module);
    python::bind_scheme(module);
    python::bind_model(module);
    python::bind_plan(module);
    python::bind_client(module);
    python::bind_server(module);
#ifdef LACUNA_SERVICE
    python::bind_remote(module);
#endif
    module.def(
        "kernel", [] { return std::string(lacuna::active_kernels().name); },
        "The kernel that computes: avx512ifma, avx2 or portable.");
    module.attr("__version__") = LACUNA_VERSION;
}
