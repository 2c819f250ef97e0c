"""Answers and exit codes: one sentence or one JSON value, never a traceback."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from importer.cli.signals import Ear
from importer.errors import ImporterError

AGAIN = "give the same command again"

_ORDER = (1, 6, 2, 75, 5, 4, 3, 0)
"""With several files, the first of these that any had."""


def worst(codes: list[int]) -> int:
    return next((code for code in _ORDER if code in codes), 0)


def run_command(command: click.Command, arguments: list[str]) -> int:
    """Runs a command and gives its exit code; whatever happens is said in a sentence."""
    ear = Ear(_last_words)
    try:
        with no_tracebacks(), ear.listening():
            return _answered(command, arguments, ear)
    except KeyboardInterrupt:
        return _interrupted(ear.heard or signal.SIGINT)


@contextlib.contextmanager
def no_tracebacks() -> Iterator[None]:
    """What libraries log, and what Python can't raise, would be printed with tracebacks, which may quote values."""
    logging.getLogger().addHandler(logging.NullHandler())
    before, sys.unraisablehook = sys.unraisablehook, lambda _unraisable: None
    try:
        yield
    finally:
        sys.unraisablehook = before


def _answered(command: click.Command, arguments: list[str], ear: Ear) -> int:
    try:
        return _run(command, arguments)
    except click.exceptions.Abort:
        return _interrupted(ear.heard or signal.SIGINT)
    except Exception as error:  # noqa: BLE001 - a sentence instead of a traceback, whatever happens
        if ear.heard is not None:  # what the interruption of a statement left behind
            return _interrupted(ear.heard)
        return _failed(error, as_json="--json" in arguments)


def _run(command: click.Command, arguments: list[str]) -> int:
    try:
        result = command.main(args=arguments, prog_name="importer", standalone_mode=False)
    except BrokenPipeError:
        return 0
    return result if isinstance(result, int) else 0


def _failed(error: Exception, *, as_json: bool) -> int:
    match error:
        case click.ClickException():
            return _wrong_usage(error, as_json)
        case ImporterError():
            say_error(error, as_json=as_json)
            return error.exit_code
        case OSError(errno=int()):
            failed = ImporterError(f"{_named(error)}: {error.strerror}", hint=f"see to it, then {AGAIN}")
            say_error(failed, as_json=as_json)
            return failed.exit_code
        case _:
            return _unexpected(error, as_json)


def _named(error: OSError) -> str:
    if isinstance(error.filename, (str, bytes)):
        return f"{os.fsdecode(error.filename)} can't be read or written"
    return "a file can't be read or written"


def _interrupted(number: int) -> int:
    click.echo(_sentence(number), err=True)
    return 128 + number


def _last_words(number: int) -> int:
    """In the moment before the process ends, when nothing of its own may be relied on."""
    with contextlib.suppress(OSError):
        os.write(2, f"\n{_sentence(number)}\n".encode())
    return 128 + number


def _sentence(number: int) -> str:
    word = "interrupted" if number == signal.SIGINT else "terminated"
    return f"{word}: the target is unchanged unless the run says it was applied (importer runs)"


def _wrong_usage(error: click.ClickException, as_json: bool) -> int:
    if as_json:
        print_json(error_answer(2, error.format_message(), None, None, None))
    else:
        error.show()
    return 2


def say_error(error: ImporterError, *, as_json: bool) -> None:
    if as_json:
        print_json(error_answer(error.exit_code, error.message, error.file, error.hint, error.run_id))
        return
    click.secho("error: ", fg="red", bold=True, err=True, nl=False)
    sentence = error.message if error.message.endswith((".", "?", "!")) else f"{error.message}."
    click.echo(printable(sentence), err=True)
    if error.file and error.file not in error.message:
        click.echo(printable(f"  file: {error.file}"), err=True)
    if error.hint:
        click.echo(printable(f"  what to do: {error.hint}"), err=True)


def error_answer(code: int, message: str, file: str | None, hint: str | None, run_id: str | None) -> dict[str, Any]:
    return {"exit_code": code, "run_id": run_id, "error": {"message": message, "file": file, "hint": hint}}


def printable(text: str) -> str:
    """Text from files may hold control characters that a terminal would obey."""
    return "".join(character if character.isprintable() or character == "\n" else "\ufffd" for character in text)


def print_json(value: Any) -> None:
    """The answer and nothing else."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()


def print_items(values: Iterable[Any]) -> None:
    """A list, each item as soon as it is there, on a line of its own: there may be very many."""
    lines = (json.dumps(value, ensure_ascii=False) for value in values)
    before = "["
    for line in lines:
        sys.stdout.write(f"{before}\n{line}")
        before = ","
    sys.stdout.write("[]\n" if before == "[" else "\n]\n")
    sys.stdout.flush()


def _unexpected(error: Exception, as_json: bool) -> int:
    """The place, not the message: that may quote customers' values."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown place"
    ours = [frame for frame in frames if "importer" in frame.filename]
    if ours:
        place += f", called in {Path(ours[-1].filename).name}:{ours[-1].lineno}"
    message = f"failed unexpectedly ({type(error).__name__} at {place}); the target is unchanged"
    hint = "please report this sentence; the run can be started again"
    if as_json:
        print_json(error_answer(1, message, None, hint, getattr(error, "run_id", None)))
    else:
        click.secho("error: ", fg="red", bold=True, err=True, nl=False)
        click.echo(f"{message}.\n  what to do: {hint}", err=True)
    return 1
