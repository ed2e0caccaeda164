"""Errors: domain refusals as data in payloads; at the top level only authentication, limits, bad input and faults."""

from collections.abc import Mapping
from enum import Enum

import strawberry
from graphql import GraphQLError
from strawberry.extensions import MaskErrors

from services.runtime import telemetry
from services.runtime.messages import RefusalBody
from services.runtime.postgres import OUTAGES

log = telemetry.logger("graphql")


class RequestRefused(GraphQLError):  # noqa: N818 - states the fact
    """What is wrong with the request as a whole; its code stands in the error's extensions."""

    code = "BAD_INPUT"

    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": self.code})


class BadInput(RequestRefused):
    """An argument is not of the form that the schema asks for."""


class Unauthenticated(RequestRefused):
    """Who asks must be proven first, with a bearer token that holds."""

    code = "UNAUTHENTICATED"


class LimitExceeded(RequestRefused):
    """The request is larger than anyone may send."""

    code = "LIMIT_EXCEEDED"


class Interrupted(RequestRefused):
    """A subscription has missed events: read what is current, then subscribe again."""

    code = "SUBSCRIPTION_INTERRUPTED"


@strawberry.enum(description="What kind of refusal it is; UNAVAILABLE alone passes by itself.")
class RefusalCategory(Enum):
    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    CONFLICT = "CONFLICT"
    UNAVAILABLE = "UNAVAILABLE"


@strawberry.type(description="A value that disagrees with the rule.")
class RefusalField:
    name: str
    value: str


@strawberry.type(description="Why the rules do not allow it, with the values that disagree.")
class Refusal:
    code: str = strawberry.field(
        description="Stable, for programs: NOT_ENOUGH_CREDITS. The closed list is schema/refusals.md."
    )
    category: RefusalCategory
    message: str = strawberry.field(description="One sentence, for people.")
    fields: list[RefusalField]

    @classmethod
    def of(cls, body: RefusalBody) -> "Refusal":
        """The refusal that a service answered."""
        return cls(
            code=body.code,
            category=RefusalCategory(body.category),
            message=body.message,
            fields=refusal_fields(body.fields),
        )


def refusal_fields(values: Mapping[str, object]) -> list[RefusalField]:
    """The values of a refusal, by name."""
    return [RefusalField(name=name, value=str(value)) for name, value in values.items()]


def is_fault(error: GraphQLError) -> bool:
    """Whether it is our failure, whose text may hold what nobody outside should read."""
    return not isinstance(error.original_error or error, GraphQLError)


def log_faults(errors: list[GraphQLError], request_id: str) -> None:
    """Writes each fault with its traceback and the id that the client was given."""
    for error in errors:
        if is_fault(error):
            where = ".".join(map(str, error.path or ()))
            log.error("fault", request_id=request_id, path=where, exc_info=error.original_error)


def shown(error: GraphQLError, request_id: str) -> GraphQLError:
    """The error as the client sees it: always with a code, and of a fault no more than the request's id."""
    if not is_fault(error):
        return _with_code(error)
    if isinstance(error.original_error, OUTAGES):
        code, message = "UNAVAILABLE", "The records cannot be read at the moment."
    else:
        code, message = "FAULT", "Something failed on our side."
    extensions = {"code": code, "requestId": request_id}
    return GraphQLError(message, nodes=error.nodes, path=error.path, extensions=extensions)


def _with_code(error: GraphQLError) -> GraphQLError:
    raised = error.original_error
    code = raised.code if isinstance(raised, RequestRefused) else BadInput.code
    error.extensions = {"code": code} | dict(error.extensions or {})
    return error


class Errors(MaskErrors):
    """Shows every error through ``shown``, in answers and in subscriptions."""

    def __init__(self) -> None:
        super().__init__(should_mask_error=lambda _: True)

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        return shown(error, self.execution_context.context.request_id)
