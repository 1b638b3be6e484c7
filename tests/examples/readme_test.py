# SPDX-License-Identifier: Apache-2.0
"""Every piece of C++ in the README stands, line by line, in an example that is built and run."""
import pathlib
import re
import sys
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent
README = FOLDER.parent.parent / "README.md"


def code_lines(text):
    """Without indentation, blank lines and includes, which the README shortens."""
    lines = (re.sub(r"\s+//", " //", line.strip()) for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#include")]


def blocks():
    return [code_lines(block) for block in re.findall(r"```cpp\n(.*?)```", README.read_text(), re.S)]


def holds(lines, block):
    return any(lines[i : i + len(block)] == block for i in range(len(lines) - len(block) + 1))


class Readme(unittest.TestCase):
    def test_every_block_is_tested_code(self):
        examples = {path.name: code_lines(path.read_text()) for path in sorted(FOLDER.glob("*.cpp"))}
        self.assertGreaterEqual(len(blocks()), 2)
        for block in blocks():
            self.assertTrue(
                any(holds(lines, block) for lines in examples.values()),
                "no example has these lines one after another:\n" + "\n".join(block),
            )

    def test_every_example_is_named(self):
        text = README.read_text()
        for path in FOLDER.glob("*.cpp"):
            self.assertIn(f"tests/examples/{path.name}", text)

    def test_a_changed_line_is_found(self):
        block = blocks()[0]
        self.assertFalse(holds(block, [block[0] + "x"] + block[1:]))


if __name__ == "__main__":
    sys.exit(unittest.main())
