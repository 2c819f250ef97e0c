"""Answers and exit codes: one sentence or one JSON value, never a traceback."""

from __future__ import annotations

import json
import signal
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

import click

from importer.errors import ImporterError

INTERRUPTED, TERMINATED = 130, 143

_ORDER = (1, 6, 2, 75, 5, 4, 3, 0)
"""With several files, the first of these that any had."""


def worst(codes: list[int]) -> int:
    return next((code for code in _ORDER if code in codes), 0)


class _Terminated(BaseException):
    """SIGTERM, as an exception, so that transactions roll back and staging is dropped on the way out."""


def run_command(command: click.Command, arguments: list[str]) -> int:
    """Runs a command and gives its exit code; whatever happens is said in a sentence."""
    signal.signal(signal.SIGTERM, _terminate)
    as_json = "--json" in arguments
    try:
        result = command.main(args=arguments, prog_name="importer", standalone_mode=False)
    except click.exceptions.Abort:
        return _interrupted("interrupted", INTERRUPTED)
    except click.ClickException as error:
        return _wrong_usage(error, as_json)
    except ImporterError as error:
        say_error(error, as_json=as_json)
        return error.exit_code
    except KeyboardInterrupt:
        return _interrupted("interrupted", INTERRUPTED)
    except _Terminated:
        return _interrupted("terminated", TERMINATED)
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001 - the last resort: a sentence instead of a traceback
        return _unexpected(error, as_json)
    return result if isinstance(result, int) else 0


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise _Terminated


def _interrupted(word: str, code: int) -> int:
    click.echo(f"{word}: the target is unchanged unless the run says it was applied (importer runs)", err=True)
    return code


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
