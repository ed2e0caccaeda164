"""A group of tasks ends even if one of them does not hear its first cancellation."""

import asyncio

import pytest

from services.runtime import tasks
from services.runtime.tasks import together


async def deaf(times: int) -> None:
    """Swallows so many cancellations, as a library may."""
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not times:
                raise
            times -= 1


async def failing() -> None:
    raise ConnectionError("lost")


async def failed_beside(deaf_ones: list[asyncio.Task[None]]) -> None:
    async with asyncio.timeout(5), together() as group:
        deaf_ones += [group.create_task(deaf(times)) for times in (0, 1, 3)]
        group.create_task(failing())
        await asyncio.Event().wait()


async def test_a_swallowed_cancellation_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_INSIST_SECONDS", 0.01)
    deaf_ones: list[asyncio.Task[None]] = []
    with pytest.raises(ExceptionGroup) as raised:
        await failed_beside(deaf_ones)
    assert [type(one) for one in raised.value.exceptions] == [ConnectionError]
    assert all(task.cancelled() for task in deaf_ones)


async def test_work_that_ended_by_itself_is_not_disturbed() -> None:
    async with together() as group:
        task = group.create_task(asyncio.sleep(0, "done"))
        await task
    assert task.result() == "done"


async def test_work_goes_on_after_its_beginning_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_INSIST_SECONDS", 0.01)
    async with together() as group:
        task = group.create_task(asyncio.sleep(0.1, "done"))
    assert task.result() == "done"


async def test_a_failure_after_the_beginning_ends_the_deaf_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "_INSIST_SECONDS", 0.01)
    deaf_ones: list[asyncio.Task[None]] = []

    async def begun() -> None:
        async with asyncio.timeout(5), together() as group:
            deaf_ones.append(group.create_task(deaf(2)))
            group.create_task(failing())

    with pytest.raises(ExceptionGroup):
        await begun()
    assert deaf_ones[0].cancelled()
