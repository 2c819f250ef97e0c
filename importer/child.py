"""How this program starts itself as a child process that runs one of its modules."""

from __future__ import annotations

import sys
from pathlib import Path

import importer

_START = "import sys; sys.path.insert(0, {root!r}); from {module} import main; main()"


def python(module: str) -> list[str]:
    """The command that calls `main` of `module`, a name of ours, with this interpreter and this very program."""
    return [sys.executable, "-c", _START.format(root=str(Path(importer.__file__).parent.parent), module=module)]
