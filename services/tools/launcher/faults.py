"""What can stop a start: each fault says in one line what is wrong and what cures it, and has its own exit code."""

from dataclasses import dataclass
from typing import ClassVar

FIGURES_WRONG = 7


@dataclass(eq=False)
class LaunchError(Exception):
    """The stack cannot run."""

    exit_code: ClassVar[int] = 1
    fact: str
    cure: str

    def __str__(self) -> str:
        return f"{self.fact}. Cure: {self.cure}"


class ServerMissingError(LaunchError):
    """A server or a tool that is needed was not found."""

    exit_code: ClassVar[int] = 3


class PortTakenError(LaunchError):
    """The port that was asked for is in use."""

    exit_code: ClassVar[int] = 4


class DiskFullError(LaunchError):
    """There is too little room for data."""

    exit_code: ClassVar[int] = 5


class MigrationRefusedError(LaunchError):
    """The data was written by other software, or the rights to change it are missing."""

    exit_code: ClassVar[int] = 6


class AlreadyRunningError(LaunchError):
    """Another start holds this folder."""

    exit_code: ClassVar[int] = 8


class NotReadyError(LaunchError):
    """A process did not become ready."""

    exit_code: ClassVar[int] = 9


class NotRunningError(LaunchError):
    """The command needs a running stack."""

    exit_code: ClassVar[int] = 10


EXIT_CODES = {
    2: "the command line is wrong",
    ServerMissingError.exit_code: "a server or a tool is missing",
    PortTakenError.exit_code: "the port is taken",
    DiskFullError.exit_code: "too little disk space",
    MigrationRefusedError.exit_code: "the data or the rights do not allow the migration",
    FIGURES_WRONG: "the figures are wrong, or an invariant is broken",
    AlreadyRunningError.exit_code: "already running in this folder",
    NotReadyError.exit_code: "a process did not become ready",
    NotRunningError.exit_code: "nothing is running",
}
