"""Tasks that end together, whatever becomes of a single cancellation."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

_INSIST_SECONDS = 1.0

Result = TypeVar("Result")


class Together:
    """The tasks of one group."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: list[asyncio.Task[Any]] = []

    def create_task(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Starts a task; if it fails, all the others are cancelled."""
        task = self._group.create_task(work)
        task.add_done_callback(self._look)
        self._tasks.append(task)
        return task

    def insist(self) -> None:
        """Cancels who is left, again every second, until nobody is."""
        left = [task for task in self._tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            asyncio.get_running_loop().call_later(_INSIST_SECONDS, self.insist)

    def _look(self, task: asyncio.Task[Any]) -> None:
        """A task that failed ends them all."""
        if not task.cancelled() and task.exception() is not None:
            asyncio.get_running_loop().call_later(_INSIST_SECONDS, self.insist)


@asynccontextmanager
async def together() -> AsyncIterator[Together]:
    """A task group whose end no task can miss.

    ``asyncio.wait_for`` of Python 3.11, and libraries that turn a cancellation into a timeout of their own, can swallow
    one; a plain group then waits for that task for ever, and the process neither works nor ends.
    """
    async with asyncio.TaskGroup() as group:
        tasks = Together(group)
        try:
            yield tasks
        except BaseException:
            asyncio.get_running_loop().call_later(_INSIST_SECONDS, tasks.insist)
            raise
