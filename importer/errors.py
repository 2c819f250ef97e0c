"""What can go wrong outside the data. Bad data is never an exception: it is a rejection.

ImporterError                 carries message, file, hint and the exit code of the contract
├── SetupError           2    wrong usage or parameters
├── FileRefused          5    the file can't be read as this entity
├── PlanLost             1    a stored plan can't be applied any more
│   └── PlanOvertaken         records changed since it was made: made anew it is right
├── ReportFailed         6    applied, but the reports could not be written
└── TryLater            75    another run holds the entity, or the database can't be reached
    ├── Repeatable            the database did nothing of the transaction: it may be begun anew at once
    └── ConnectionLost        whether the last COMMIT was carried out is not known
"""

from __future__ import annotations

from typing import ClassVar, Self


class ImporterError(Exception):
    """One clear sentence for a person (`message`), which file it is about, and what to do (`hint`)."""

    exit_code: ClassVar[int] = 1

    def __init__(
        self, message: str, *, file: str | None = None, hint: str | None = None, run_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.hint = hint
        self.run_id = run_id


class SetupError(ImporterError):
    """Wrong usage or parameters; names the file, the key and the nearest valid name."""

    exit_code = 2


class FileRefused(ImporterError):
    """The file can't be read as this entity; the target is unchanged."""

    exit_code = 5


class PlanLost(ImporterError):
    """The stored plan is gone or no longer what was reviewed; plan again."""

    exit_code = 1

    @classmethod
    def gone(cls, run_id: str) -> Self:
        return cls(f"the plan of run {run_id} is no longer there", hint="plan the file again", run_id=run_id)


class PlanOvertaken(PlanLost):
    """Records changed since a plan was made that nobody has seen: nothing was applied."""


class ReportFailed(ImporterError):
    """The run was applied, its reports were not written: `importer report RUN`."""

    exit_code = 6


class TryLater(ImporterError):
    """Nothing is wrong with file or parameters; the same command later is right."""

    exit_code = 75


class Repeatable(TryLater):
    """The database ended the transaction because of another one: nothing was done, and it may be begun anew."""


class ConnectionLost(TryLater):
    """The connection broke or is not made; if it broke at COMMIT, only the run's own row tells what happened."""
