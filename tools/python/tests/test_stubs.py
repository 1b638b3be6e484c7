# SPDX-License-Identifier: Apache-2.0
"""The stub says what the compiled part has: every name, every parameter, and nothing else."""

import ast
import re
import unittest
from pathlib import Path

import lacuna
from lacuna import _lacuna

STUB = ast.parse((Path(lacuna.__file__).parent / "_lacuna.pyi").read_text())
# Of the runtime's special methods the stub has those that people call.
SPECIAL = {"__init__", "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__neg__"}


def members(node):
    """name: parameters of each function; None for a property."""
    found = {}
    for entry in node.body:
        if isinstance(entry, ast.FunctionDef):
            marks = {mark.id for mark in entry.decorator_list if isinstance(mark, ast.Name)}
            arguments = [one.arg for one in entry.args.args + entry.args.kwonlyargs]
            found[entry.name] = None if "property" in marks else [one for one in arguments if one != "self"]
    return found


def parameters(function):
    """The names in the signature that pybind11 writes into the docstring."""
    line = function.__doc__.splitlines()[0]
    names = re.findall(r"(?:\(|, )(\w+): ", line)
    return [name for name in names if name != "self" and not re.fullmatch(r"arg\d+", name)]


def public(names):
    return {name for name in names if not name.startswith("_") or name in SPECIAL}


class Stubs(unittest.TestCase):
    def test_modules_have_the_same_names(self):
        aliases = {"Path", "Bytes", "Source", "Packing"}
        stub = {entry.name for entry in STUB.body if isinstance(entry, (ast.ClassDef, ast.FunctionDef))} - aliases
        runtime = {name for name in dir(_lacuna) if not name.startswith("_")}
        if not hasattr(_lacuna, "RemoteClient"):
            runtime |= {"RemoteClient", "RemoteReport"}
        self.assertEqual(stub, runtime)
        self.assertEqual(runtime & set(dir(lacuna)), runtime & set(lacuna.__all__))

    def test_classes_have_the_same_members(self):
        for node in STUB.body:
            if not isinstance(node, ast.ClassDef) or not hasattr(_lacuna, node.name) or node.name.endswith("Error"):
                continue
            kind = getattr(_lacuna, node.name)
            with self.subTest(node.name):
                stub = members(node)
                own = {name for name in public(vars(kind)) if name != "__init__" or "__init__" in stub}
                self.assertEqual(public(stub), own)
                for name in own:
                    self.assertEqual(isinstance(vars(kind)[name], property), stub[name] is None, name)
                    if stub[name] is not None and name not in SPECIAL - {"__init__"}:
                        self.assertEqual(stub[name], parameters(getattr(kind, name)), name)

    def test_functions_have_the_same_parameters(self):
        for node in STUB.body:
            if isinstance(node, ast.FunctionDef):
                names = [one.arg for one in node.args.args + node.args.kwonlyargs]
                self.assertEqual(names, parameters(getattr(_lacuna, node.name)), node.name)

    def test_the_package_is_typed(self):
        self.assertTrue((Path(lacuna.__file__).parent / "py.typed").is_file())


if __name__ == "__main__":
    unittest.main()
