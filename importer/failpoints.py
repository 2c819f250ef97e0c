"""Named places of the story at which tests end the process, cut a connection or fill a disk.

In normal use nothing is armed and `reached` does nothing. Only a test that runs in the same process can arm them:
no environment variable and no option does.
"""

from __future__ import annotations

from collections.abc import Callable

_armed: list[Callable[[str], None]] = []


def reached(place: str) -> None:
    """The story has come to `place`."""
    for act in _armed:
        act(place)


def arm(act: Callable[[str], None]) -> None:
    """`act` hears of every place from now on."""
    _armed.append(act)
