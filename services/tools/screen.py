"""What a person sees while the stack runs: log lines with the name of their process, and a progress bar."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_COLORS = {
    "launcher": "bold white",
    "registry": "green",
    "issuance": "cyan",
    "settlement": "yellow",
    "gateway": "magenta",
}
# The servers' own logs are long; what is not an error stays in the folder logs.
_SERVERS = ("postgres", "rabbitmq", "epmd")
_NOTEWORTHY = re.compile(r"\[(error|critical)\]|ERROR|FATAL|PANIC|starting it again")


class Screen:
    """Standard error as a person reads it; standard output stays free for results."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._progress: Progress | None = None

    def line(self, name: str, text: str) -> None:
        """Shows one line of a process."""
        if name in _SERVERS and not _NOTEWORTHY.search(text):
            return
        color = _COLORS.get(name, "dim")
        self._console.print(f"[{color}]{name:<10}[/] {escape(text)}")

    def say(self, text: str) -> None:
        """Shows a sentence of the launcher's."""
        self.line("launcher", text)

    @contextmanager
    def progress(self) -> Iterator[None]:
        """Shows a bar below the lines for as long as it lasts."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=self._console) as self._progress:
            yield
        self._progress = None

    def advance(self, label: str, done: int, total: int) -> None:
        """Moves the bar of this label, which is shown from the first time on."""
        if self._progress is None:
            return
        known = {task.description: task.id for task in self._progress.tasks}
        task = known.get(label)
        if task is None:
            task = self._progress.add_task(label, total=total)
        self._progress.update(task, completed=done, total=total)
