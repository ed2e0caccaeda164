"""Asking: commands through the gateway, each repeated under its id until it is answered, and every answer kept."""

import asyncio
import time
from collections.abc import Mapping
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
        at: datetime | None = None,
        selecting: str = "",
        **fields: object,
    ) -> tuple[Ask, Mapping[str, Any]]:
        """Sends a command until it is answered; returns what is kept of it, and what was selected."""
        ask = Ask(name, token, new_id(), fields, expecting, refusal)
        self.sent.asks[ask.id] = ask
        answered = await self._answer(name, token, ask.id, at, selecting, fields)
        ask.answer, ask.approval_id = _kept(answered), answered.approval_id
        if answered.outcome != expecting:
            raise AskedInVainError(f"{name} {ask.id}: {ask.answer}")
        return ask, answered.payload

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
        while time.monotonic() < deadline:
            try:
                answered = await self.desk.command(name, token, command_id, at, selecting, **fields)
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
        "errors": [{"code": one["code"]} for one in answered.refusals],
    }
