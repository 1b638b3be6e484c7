# SPDX-License-Identifier: Apache-2.0
"""Says in one line which packages a script misses, before its imports would say it with a traceback."""

import importlib.util
import sys
from pathlib import Path


def require(*names):
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"{Path(sys.argv[0]).name}: {sys.executable} has no {' and no '.join(missing)}; start it with a Python "
                 f"that has them, on Debian /usr/bin/python3 after tools/setup --training")
