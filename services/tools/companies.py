"""The demo's organisations: disclosed names, invented names, and invented codes for all of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from services.tools.records import Records

Kind = Literal["PROJECT_OWNER", "TRADING_PARTY", "KEY_EMITTER", "VERIFICATION_BODY"]

CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015: without I, O, S, V and Z
BODY_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714, for the organisation's own code inside it
SURPLUS = "emitter-surplus"
"""The key of the company with more allowances than it needs."""
NOWHERE = "91000000"  # an enterprise of the division 000000, which does not exist


@dataclass(frozen=True, slots=True)
class Organisation:
    """One party of the demo; its unified social credit code is always invented."""

    key: str
    name: str
    credit_code: str
    kind: Kind
    name_is_invented: bool


def body_check_character(body: str) -> str:
    """The ninth character of an organisation code (GB 11714)."""
    total = sum(weight * int(digit, 36) for weight, digit in zip(BODY_WEIGHTS, body, strict=True))
    return "0123456789X"[-total % 11]


def code_check_character(code: str) -> str:
    """The last character of a unified social credit code, from the 17 before it (GB 32100-2015)."""
    total = sum(CODE_ALPHABET.index(char) * pow(3, place, 31) for place, char in enumerate(code))
    return CODE_ALPHABET[-total % 31]


def invented_credit_code(name: str) -> str:
    """A valid code that no real organisation has; the same name always gets the same one."""
    digest = int.from_bytes(blake2b(name.encode(), digest_size=8).digest())
    body = f"{digest % 10**8:08d}"
    code = NOWHERE + body + body_check_character(body)
    return code + code_check_character(code)


def organisations(records: Records) -> tuple[Organisation, ...]:
    """Every party of the demo, once each."""
    return (*_disclosed(records), *_told(records))


def owner_keys(records: Records) -> dict[str, str]:
    """For each project on the tape the key of its seller: that of the owner's first project."""
    first: dict[str, str] = {}
    for project in records.projects:
        first.setdefault(project.owner, f"owner-{project.code}")
    keys = {project.code: first[project.owner] for project in records.projects}
    return keys | {records.story.opening_batch.project: "holder-legacy"}


def validator_keys(records: Records) -> dict[str, str]:
    """The key of each validating body by its name."""
    bodies = sorted({project.validation_body for project in records.projects})
    keys = {name: f"validator-{number}" for number, name in enumerate(bodies, 1)}
    return keys | {records.story.pilot.validation_body: "pilot-validator"}


def buyer_keys(records: Records) -> tuple[str, ...]:
    """The keys of those who buy on the tape, in the order of their names."""
    return tuple(f"buyer-{number:02d}" for number, _ in enumerate(records.story.buyers.names, 1))


def buyer_key(records: Records, name: str) -> str:
    """The key of the buyer with this name."""
    return buyer_keys(records)[records.story.buyers.names.index(name)]


def _disclosed(records: Records) -> Iterator[Organisation]:
    keys = owner_keys(records)
    owners = {keys[project.code]: project.owner for project in records.projects}
    yield from _parties(owners.items(), "PROJECT_OWNER", name_is_invented=False)
    told = records.story.pilot.validation_body
    named = ((key, name) for name, key in validator_keys(records).items() if name != told)
    yield from _parties(named, "VERIFICATION_BODY", name_is_invented=False)


def _told(records: Records) -> Iterator[Organisation]:
    story, pilot = records.story, records.story.pilot
    yield from _parties([("verifier", story.verifier.name)], "VERIFICATION_BODY")
    yield from _parties([("holder-legacy", story.opening_batch.holder)], "TRADING_PARTY")
    emitting = story.ets.short.name
    buyers = list(zip(buyer_keys(records), story.buyers.names, strict=True))
    yield from _parties([one for one in buyers if one[1] != emitting], "TRADING_PARTY")
    short = buyer_key(records, emitting), emitting
    yield from _parties([short, (SURPLUS, story.ets.surplus.name)], "KEY_EMITTER")
    yield from _parties([("pilot-owner", pilot.owner)], "PROJECT_OWNER", name_is_invented=False)
    yield from _parties([("pilot-buyer", pilot.buyer)], "TRADING_PARTY", name_is_invented=False)
    yield from _parties([("pilot-validator", pilot.validation_body)], "VERIFICATION_BODY")


def _parties(
    named: Iterable[tuple[str, str]], kind: Kind, *, name_is_invented: bool = True
) -> Iterator[Organisation]:
    for key, name in named:
        yield Organisation(key, name, invented_credit_code(name), kind, name_is_invented)
