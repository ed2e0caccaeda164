"""Inputs: a mutation and its input type are made from the message that it sends, so that the two never differ."""

import inspect
from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

import msgspec
import strawberry

from services.gateway.commands import AnyPayload, CommandInput, described, send
from services.gateway.context import Info
from services.gateway.scalars import Serial, Tonnes
from services.issuance.messages import documents as report_documents
from services.issuance.messages import verifications
from services.issuance.messages.carry_overs import CarryOverTerms
from services.issuance.messages.compliance import (
    AllocationPlan,
    Benchmark,
    EmissionYear,
    UnitEmissions,
)
from services.issuance.messages.reports import VintageTonnes
from services.registry.messages import documents, validations
from services.registry.messages.methodologies import Parameter
from services.runtime.messages import Command
from services.runtime.notes import field_notes
from services.settlement.messages.freezes import Span
from services.settlement.messages.market import MarketTerms, MethodTerms, Session

_PARTS: dict[type[msgspec.Struct], str] = {
    Parameter: "ParameterInput",
    documents.Document: "ProjectDocumentInput",
    validations.TeamMember: "TeamMemberInput",
    report_documents.Document: "ReportDocumentInput",
    VintageTonnes: "VintageTonnesInput",
    AllocationPlan: "AllocationPlanInput",
    EmissionYear: "EmissionYearInput",
    Benchmark: "BenchmarkInput",
    CarryOverTerms: "CarryOverTermsInput",
    UnitEmissions: "UnitEmissionsInput",
    MarketTerms: "MarketTermsInput",
    MethodTerms: "MethodTermsInput",
    Session: "SessionInput",
    Span: "SpanInput",
}
"""What messages hold inside them, and the name of its input type."""
_SAME: dict[type[msgspec.Struct], type[msgspec.Struct]] = {
    verifications.TeamMember: validations.TeamMember
}
_NUMBERS: dict[str, Any] = {"tonnes": Tonnes, "serial": Serial}
"""Whole numbers beyond 32 bit, by a word in the name of their field."""
_made: dict[str, type[Any]] = {}


def mutation(
    message: type[Command],
    payload: type[AnyPayload],
    makes: str | None = None,
    *,
    is_named: bool = False,
    called: str = "",
) -> Any:
    """The mutation that sends this message, with an input of its name or of the one by which it is called.

    What it makes has the command's id; or the one that the input names, if it may name one.
    """
    hidden = () if makes is None or is_named else (makes,)
    name = f"{called or message.__name__}Input"
    given = _input(message, name, CommandInput, hidden, makes if is_named else None)

    async def resolve(info: Info, input_: CommandInput) -> AnyPayload:
        own = {} if makes is None else {makes: getattr(input_, makes, None) or input_.id}
        return await send(info, payload, message, input_, **own)

    resolve.__annotations__ = {"info": Info, "input_": given, "return": payload}
    return strawberry.mutation(resolver=resolve, description=described(message))


def _input(
    kind: type[msgspec.Struct],
    name: str,
    base: type[Any] = object,
    hidden: Sequence[str] = (),
    optional: str | None = None,
) -> type[Any]:
    """An input type with the fields of this message, and with its notes as their descriptions."""
    hints, notes = get_type_hints(kind), field_notes(kind)
    namespace: dict[str, Any] = {"__module__": __name__, "__annotations__": {}}
    for field in msgspec.structs.fields(kind):
        if field.name in hidden:
            continue
        shown = _shown(hints[field.name], field.name)
        is_optional = field.name == optional
        settings = {"description": notes.get(field.name)} | _defaults(field)
        if is_optional:
            settings = {"description": "The id of this command, unless given.", "default": None}
        namespace["__annotations__"][field.name] = shown | None if is_optional else shown
        namespace[field.name] = cast(Any, strawberry.field)(**settings)
    text = None if issubclass(kind, Command) else inspect.getdoc(kind)
    return strawberry.input(type(name, (base,), namespace), description=text)


def _shown(hint: Any, name: str) -> Any:
    """The GraphQL type of a field: lists for tuples, inputs for structs, base64 for bytes, quantities by name."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        [only] = [one for one in arguments if one is not NoneType]
        return _shown(only, name) | None
    if origin is tuple:
        return list[_shown(arguments[0], name)]
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _part(_SAME.get(hint, hint))
    if hint is int:
        return next((_NUMBERS[word] for word in name.split("_") if word in _NUMBERS), int)
    return str if hint is bytes else cast(Any, hint)


def _part(kind: type[msgspec.Struct]) -> type[Any]:
    name = _PARTS[kind]
    if name not in _made:
        _made[name] = _input(kind, name)
    return _made[name]


def _defaults(field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    if field.required:
        return {}
    default = () if field.default is msgspec.NODEFAULT else field.default
    return {"default_factory": list} if default == () else {"default": default}
