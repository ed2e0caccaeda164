"""The schema: every noun's queries, mutations and subscriptions, with the limits and caches of all requests."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import strawberry
from graphql import GraphQLError
from strawberry.extensions import (
    MaxTokensLimiter,
    ParserCache,
    SchemaExtension,
    ValidationCache,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter
from strawberry.types import ExecutionContext

from services.gateway.account_life import (
    AccountLifeQueries,
    AccountMutations,
    AccountSubscriptions,
)
from services.gateway.accounts import AccountQueries
from services.gateway.allocation_plans import AllocationPlanMutations, AllocationPlanQueries
from services.gateway.approvals import ApprovalMutations, ApprovalQueries
from services.gateway.batches import BatchMutations, BatchQueries, BatchSubscriptions
from services.gateway.compliance import ComplianceMutations, ComplianceQueries
from services.gateway.conversions import ConversionMutations, ConversionQueries
from services.gateway.corrections import CorrectionMutations, CorrectionQueries
from services.gateway.disputes import DisputeQueries
from services.gateway.enforcements import EnforcementMutations, EnforcementQueries
from services.gateway.errors import Errors, log_faults
from services.gateway.figures import FigureQueries
from services.gateway.freezes import FreezeMutations, FreezeQueries, FreezeSubscriptions
from services.gateway.instruments import InstrumentQueries
from services.gateway.limits import TOKENS_MAX, Limits
from services.gateway.market import MarketQueries
from services.gateway.nodes import NodeQueries
from services.gateway.obligations import (
    ObligationMutations,
    ObligationQueries,
    ObligationSubscriptions,
)
from services.gateway.organisations import OrganisationMutations, OrganisationQueries
from services.gateway.programmes import ProgrammeMutations, ProgrammeQueries
from services.gateway.project_life import (
    ProjectLifeQueries,
    ProjectMutations,
    ProjectSubscriptions,
)
from services.gateway.projects import ProjectQueries
from services.gateway.records import RecordQueries
from services.gateway.reductions import ReductionMutations, ReductionQueries, ReductionSubscriptions
from services.gateway.report_life import ReportLifeQueries, ReportMutations, ReportSubscriptions
from services.gateway.reports import ReportQueries
from services.gateway.retirements import (
    RetirementMutations,
    RetirementQueries,
    RetirementSubscriptions,
)
from services.gateway.scalars import SCALARS
from services.gateway.shortfalls import ShortfallMutations, ShortfallQueries
from services.gateway.trades import TradeMutations, TradeQueries, TradeSubscriptions
from services.gateway.transfers import TransferMutations, TransferQueries
from services.gateway.venue_life import VenueMutations, VenueSubscriptions
from services.gateway.venues import VenueQueries

_DOCUMENTS_CACHED_MAX = 512


@strawberry.type(description="What can be read.")
class Query(
    ProjectQueries,
    ProjectLifeQueries,
    ProgrammeQueries,
    FigureQueries,
    ReportQueries,
    ReportLifeQueries,
    ReductionQueries,
    BatchQueries,
    AllocationPlanQueries,
    ComplianceQueries,
    ConversionQueries,
    MarketQueries,
    VenueQueries,
    InstrumentQueries,
    TradeQueries,
    DisputeQueries,
    TransferQueries,
    CorrectionQueries,
    RetirementQueries,
    FreezeQueries,
    EnforcementQueries,
    ShortfallQueries,
    ObligationQueries,
    AccountQueries,
    AccountLifeQueries,
    OrganisationQueries,
    ApprovalQueries,
    RecordQueries,
    NodeQueries,
):
    pass


@strawberry.type(description="What can be asked for; each command is safe to repeat with its id.")
class Mutation(
    OrganisationMutations,
    AccountMutations,
    ProgrammeMutations,
    ProjectMutations,
    ReportMutations,
    ReductionMutations,
    BatchMutations,
    AllocationPlanMutations,
    ComplianceMutations,
    ConversionMutations,
    VenueMutations,
    TradeMutations,
    TransferMutations,
    CorrectionMutations,
    RetirementMutations,
    FreezeMutations,
    EnforcementMutations,
    ShortfallMutations,
    ObligationMutations,
    ApprovalMutations,
):
    pass


@strawberry.type(description="What can be listened to, over graphql-transport-ws.")
class Subscription(
    TradeSubscriptions,
    VenueSubscriptions,
    BatchSubscriptions,
    ProjectSubscriptions,
    ReportSubscriptions,
    ReductionSubscriptions,
    RetirementSubscriptions,
    ObligationSubscriptions,
    FreezeSubscriptions,
    AccountSubscriptions,
):
    pass


class _Names(NameConverter):
    """A trailing underscore only keeps a Python name apart from a builtin one: ``id_`` is ``id``."""

    def apply_naming_config(self, name: str) -> str:
        return super().apply_naming_config(name.removesuffix("_"))


class _Parsing(ParserCache):
    """Leaves a syntax error to the parser, which reports it on sockets too; a hook that raises would not."""

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        with suppress(GraphQLError):
            context.graphql_document = self.cached_parse_document(
                context.query, **context.parse_options
            )
        yield


class Schema(strawberry.Schema):
    """Logs faults with the request's id; what clients did wrong is theirs to read."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        context = execution_context and execution_context.context
        log_faults(errors, context.request_id if context else "")


_EXTENSIONS: Sequence[Callable[[], SchemaExtension]] = (
    Errors,
    lambda: MaxTokensLimiter(TOKENS_MAX),
    lambda: _Parsing(_DOCUMENTS_CACHED_MAX),
    lambda: ValidationCache(_DOCUMENTS_CACHED_MAX),
    Limits,
)

schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    extensions=_EXTENSIONS,
    config=StrawberryConfig(name_converter=_Names(), scalar_map=SCALARS),
)
