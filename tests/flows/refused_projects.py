"""Refusals of the registry about projects: code by code, what provokes them."""

from datetime import date
from typing import Any

import msgspec

from services.kernel.actors import Actor
from services.kernel.ids import new_id
from services.registry.messages.documents import Document
from services.registry.messages.notices import CommentOnProject, OpenNotice
from services.registry.messages.projects import WithdrawProject
from services.registry.messages.registrations import ApplyForRegistration, RegisterProject
from services.registry.messages.validations import TeamMember
from tests.flows.refused import Attempt, Attempts
from tests.flows.world import World
from tests.market import PILOT
from tests.register import HISTORIAN, RECORDER, document


def attempts(world: World) -> Attempts:
    """Every case of this table."""
    return _drafts(world) | _notices(world) | _validations(world) | _decisions(world)


def _drafts(world: World) -> dict[str, Attempt]:
    owner = world.owner
    colleague = Actor("a.colleague", owner.organisation_id, owner.actor.roles)
    names = world.names
    return {
        "ACCOUNT_NOT_OPEN": Attempt(world.draft(owner_account=world.restricted), RECORDER),
        "ACCOUNT_NOT_OWNER": Attempt(world.draft(owner_account=world.trader.account), RECORDER),
        "CONSTRUCTION_TOO_EARLY": Attempt(
            world.draft(construction_started_on=date(2012, 11, 8)), RECORDER
        ),
        "CREDITING_PERIOD_TOO_LONG": Attempt(
            world.draft(crediting_until=date(2061, 1, 1)), RECORDER
        ),
        "CREDITING_PERIOD_TOO_SHORT": Attempt(world.draft(methodology=names["long"]), RECORDER),
        "NOT_OPERATOR": Attempt(world.draft(), colleague),
        "OTHER_PROGRAMME": Attempt(world.draft(methodology=f"{PILOT}-M"), RECORDER),
        "PROGRAMME_IS_ALLOWANCE": Attempt(
            world.draft(programme=world.emitters.programme, methodology=names["of allowances"]),
            RECORDER,
        ),
        "PROGRAMME_IS_LEGACY": Attempt(
            world.draft(programme=names["legacy"], methodology=names["of legacy"]), RECORDER
        ),
    }


def _notices(world: World) -> dict[str, Attempt]:
    pdd = document("PDD", b"design")

    def notice(*documents: Document, **changes: str) -> Attempt:
        given: dict[str, str] = {
            "code": world.names["draft"],
            "validation_body": world.body.account,
        }
        return Attempt(OpenNotice(**given | changes, documents=documents), RECORDER)

    def changed(**changes: Any) -> Document:
        return msgspec.structs.replace(pdd, **changes)

    return {
        "ACCOUNT_NOT_VERIFIER": notice(pdd, validation_body=world.owner.account),
        "CONTENT_DIFFERS": notice(changed(content=b"another")),
        "DIGEST_MALFORMED": notice(changed(sha256="A" * 64)),
        "DOCUMENT_MISSING": notice(changed(kind="OTHER")),
        "DOCUMENT_TWICE": notice(pdd, changed(kind="OTHER")),
        "METHODOLOGY_NOT_IN_FORCE": notice(pdd, code=world.names["ended draft"]),
        "NOTICE_NOT_OPEN": Attempt(
            CommentOnProject(comment_id=new_id(), code=world.names["validated"], text="Why?")
        ),
        "BEFORE_PREVIOUS_STEP": Attempt(
            WithdrawProject(code=world.names["noticed"], reason="no money"), HISTORIAN, days_ago=1
        ),
    }


def _validations(world: World) -> dict[str, Attempt]:
    body, verifier = world.body, world.verifier
    _, _, (_, in_order, _), _ = world.market.life(world.draft())
    expert, other = (TeamMember(name=name, is_sector_competent=name == "A") for name in ("A", "B"))

    def validation(actor: Actor = body.actor, **changes: Any) -> Attempt:
        code = {"code": world.names["commented"]}
        command = msgspec.structs.replace(in_order, **code | {"comments_handling": "so"} | changes)
        return Attempt(command, actor)

    return {
        "COMMENTS_NOT_HANDLED": validation(comments_handling=""),
        "NOTICE_STILL_OPEN": validation(code=world.names["noticed"]),
        "OTHER_VALIDATION_BODY": validation(verifier.actor, validation_body=verifier.account),
        "REVIEWER_IN_TEAM": validation(reviewer="A"),
        "TEAM_NOT_COMPETENT": validation(
            team=(other, TeamMember(name="D", is_sector_competent=False))
        ),
        "TEAM_TOO_SMALL": validation(team=(expert,)),
    }


def _decisions(world: World) -> dict[str, Attempt]:
    commitment = (document("COMMITMENT"),)
    return {
        "DUPLICATE_UNRESOLVED": Attempt(RegisterProject(code=world.names["twin"])),
        "OWNER_BARRED": Attempt(
            ApplyForRegistration(code=world.names["barred"], documents=commitment), RECORDER
        ),
        "OWN_ACT": Attempt(RegisterProject(code=world.names["twin"]), RECORDER),
        "STEP_NOT_ALLOWED": Attempt(RegisterProject(code=world.names["validated"])),
    }
