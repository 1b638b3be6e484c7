# SPDX-License-Identifier: Apache-2.0
"""Has CMake build the compiled part, and installs it with the Python files and the training scripts.

LACUNA_BUILD, an absolute path, names a CMake build folder of this tree, whose libraries are then used; without it
everything is built in a folder of its own. CMAKE_ARGS are further arguments for CMake's configuration.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TRAINING = HERE.parent / "train"


def version():
    return re.search(r"project\(Lacuna VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


class CMakeBuild(build_ext):
    def build_extension(self, ext):
        folder = os.environ.get("LACUNA_BUILD")
        if folder and not (Path(folder) / "CMakeCache.txt").is_file():
            sys.exit(f"LACUNA_BUILD: expected the absolute path of a folder that CMake has configured, found none at "
                     f"{folder}; run cmake --preset release, or unset it")
        build = Path(folder).resolve() if folder else Path(self.build_temp).resolve()
        configure = ["cmake", "-S", ROOT, "-B", build, "-DLACUNA_PYTHON=ON",
                     f"-DPython_EXECUTABLE={Path(sys.executable).resolve()}"]
        if not folder:  # it is gone afterwards, so that the module must hold all of the library
            configure += ["-DCMAKE_BUILD_TYPE=Release", "-DLACUNA_TESTS=OFF", "-DBUILD_SHARED_LIBS=OFF"]
            if shutil.which("ninja"):
                configure += ["-G", "Ninja"]
        configure += shlex.split(os.environ.get("CMAKE_ARGS", ""))
        jobs = str(self.parallel or os.cpu_count() or 1)
        subprocess.run([*map(str, configure)], check=True)
        subprocess.run(["cmake", "--build", str(build), "--target", "lacuna_python", "--parallel", jobs], check=True)
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(build / "python" / target.name, target)


class WithTraining(build_py):
    """The training scripts go with the classifier, which runs them."""

    def run(self):
        shutil.rmtree(self.build_lib, ignore_errors=True)  # files of an earlier build that are no more
        super().run()
        target = Path(self.build_lib) / "lacuna" / "train"
        target.mkdir(parents=True, exist_ok=True)
        for script in sorted(TRAINING.glob("*.py")):
            shutil.copy(script, target)


setup(
    version=version(),
    packages=["lacuna"],
    package_data={"lacuna": ["*.pyi", "py.typed"]},
    ext_modules=[Extension("lacuna._lacuna", sources=[])],
    cmdclass={"build_ext": CMakeBuild, "build_py": WithTraining},
)
