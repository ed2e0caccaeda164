"""Asking: commands through the gateway, each repeated under its id until it is answered, and every answer kept."""

import asyncio
import time
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import aiohttp

from services.kernel.ids import new_id
from services.tools.chaos.sent import Ask, Sent
from services.tools.client import Answered, Desk, QueryError

ACCEPTED, PENDING, REFUSED = "ACCEPTED", "PENDING", "REFUSED"
_UNKNOWN = "UNKNOWN"
_BAD_INPUT = "BAD_INPUT"
_SAME_ID = "SAME_ID_OTHER_CONTENT"
_PATIENCE_SECONDS = 60
_PAUSE_SECONDS = 0.3


class AskedInVainError(Exception):
    """A command was not answered as it must be, or not at all."""


@dataclass
class Asker:
    """A front end that never gives up before it knows the outcome."""

    desk: Desk
    sent: Sent

    async def ask(
        self,
        name: str,
        token: str,
        /,
        *,
        expecting: str = ACCEPTED,
        refusal: str | None = None,
        rival: str | None = None,
        at: datetime | None = None,
        selecting: str = "",
        **fields: object,
    ) -> tuple[Ask, Mapping[str, Any]]:
        """Sends a command until it is answered; returns what is kept of it, and what was selected."""
        ask = Ask(name, token, new_id(), fields, expecting, refusal, rival)
        self.sent.asks[ask.id] = ask
        answered = await self._answer(name, token, ask.id, at, selecting, fields)
        ask.answer, ask.approval_id = _kept(answered), answered.approval_id
        if answered.outcome not in (expecting, REFUSED if rival else expecting):
            raise AskedInVainError(f"{name} {ask.id}: {ask.answer}")
        return ask, answered.payload

    async def approve(self, asked: Ask, second: str, rival: str | None = None) -> bool:
        """A second person approves it; whether it has come to pass, which only a rival may hinder."""
        if asked.approval_id is None:
            return False
        given: dict[str, Any] = {"approvalId": asked.approval_id}
        ask, _ = await self.ask("approve", second, rival=rival, **given)
        assert ask.answer is not None
        is_done = ask.answer["outcome"] == ACCEPTED
        if is_done:
            self.sent.approved.add(asked.approval_id)
        return is_done

    async def by_two(
        self, name: str, token: str, second: str, /, *, rival: str | None = None, **fields: Any
    ) -> tuple[Ask, bool]:
        """One person asks for it and another approves it; what was asked, and whether it has come to pass."""
        asked, _ = await self.ask(name, token, expecting=PENDING, rival=rival, **fields)
        return asked, await self.approve(asked, second, rival)

    async def in_vain(self, name: str, token: str, code: str, /, **fields: Any) -> None:
        """What a rule stands against; it is refused with this code."""
        await self.ask(name, token, expecting=REFUSED, refusal=code, **fields)

    async def repeat(self, ask: Ask) -> None:
        """Sends a command again: the answer must be the first one."""
        answered = await self._answer(ask.name, ask.token, ask.id, None, "", ask.fields)
        if (_kept(answered), answered.approval_id) != (ask.answer, ask.approval_id):
            self.sent.answered_otherwise.append(f"{ask.name} {ask.id}: {_kept(answered)}")

    async def contradict(self, ask: Ask, **changes: object) -> None:
        """Uses the command's id for another content, which must be refused."""
        fields = {**ask.fields, **changes}
        answered = await self._answer(ask.name, ask.token, ask.id, None, "", fields)
        if [one["code"] for one in answered.refusals] != [_SAME_ID]:
            self.sent.answered_otherwise.append(f"{ask.name} {ask.id} with other content")

    async def _answer(
        self,
        name: str,
        token: str,
        command_id: UUID,
        at: datetime | None,
        selecting: str,
        fields: Mapping[str, object],
    ) -> Answered:
        deadline, fault = time.monotonic() + _PATIENCE_SECONDS, None
        while (left := deadline - time.monotonic()) > 0:
            command = self.desk.command(name, token, command_id, at, selecting, **fields)
            try:
                async with asyncio.timeout(left):  # what is dead is answered by nobody
                    answered = await command
            except (QueryError, aiohttp.ClientError, TimeoutError) as away:
                fault = away
                if _BAD_INPUT in str(away):
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)  # the gateway cannot read just now, or is away
                continue
            if answered.outcome != _UNKNOWN:
                return answered
        raise AskedInVainError(f"{name} {command_id}: {fault}")


def _kept(answered: Answered) -> dict[str, Any]:
    """What must be the same at every repeat."""
    return {
        "outcome": answered.outcome,
        "errors": [
            {"code": one["code"], "fields": {part["name"]: part["value"] for part in one["fields"]}}
            for one in answered.refusals
        ],
    }


async def as_far_as_answered(lane: Awaitable[None]) -> None:
    """Goes on until a command is not answered as it must be: the auditor will find it, and nothing can build on it."""
    with suppress(AskedInVainError):
        await lane
