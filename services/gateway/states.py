"""States as clients name them: the enums of the lifecycles themselves, so that a word that is none is bad input."""

import inspect
from enum import StrEnum

import strawberry

from services.issuance.messages.states import (
    ComplianceState,
    ConversionState,
    ReductionState,
    ReportState,
)
from services.registry.messages.states import (
    AccountState,
    ApplicationState,
    ProjectState,
    QuestionState,
)
from services.runtime.approval import State as ApprovalState
from services.settlement.messages.states import (
    DisputeState,
    FreezeState,
    ObligationState,
    ShortfallState,
    TradeState,
    TransferState,
)

__all__ = [
    "AccountState",
    "ApplicationState",
    "ApprovalState",
    "ComplianceState",
    "ConversionState",
    "DisputeState",
    "FreezeState",
    "ObligationState",
    "ProjectState",
    "QuestionState",
    "ReductionState",
    "ReportState",
    "ShortfallState",
    "TradeState",
    "TransferState",
]

_NAMES: dict[type[StrEnum], str] = {
    AccountState: "AccountStatus",
    ApplicationState: "ApplicationState",
    ApprovalState: "ApprovalState",
    ComplianceState: "ComplianceState",
    ConversionState: "ConversionState",
    ObligationState: "ObligationState",
    ProjectState: "ProjectStatus",
    QuestionState: "DuplicateStatus",
    ReductionState: "ReductionStatus",
    ReportState: "ReportStatus",
    DisputeState: "DisputeState",
    FreezeState: "FreezeState",
    ShortfallState: "ShortfallState",
    TradeState: "TradeState",
    TransferState: "TransferState",
}

for _kind, _name in _NAMES.items():
    strawberry.enum(_kind, name=_name, description=inspect.getdoc(_kind))
