"""Four eyes: settlement's own words for the one mechanism."""

from services.runtime import approval


class ApproveCommand(approval.Approve, frozen=True, kw_only=True, tag="settlement.approve_command"):
    """Approves what another person asked settlement for."""


class RefuseCommand(approval.Refuse, frozen=True, kw_only=True, tag="settlement.refuse_command"):
    """Refuses what another person asked settlement for."""


class ApprovalRequested(
    approval.ApprovalRequested, frozen=True, kw_only=True, tag="settlement.approval.requested"
):
    """A command to settlement waits for a second person."""


class ApprovalDecided(
    approval.ApprovalDecided, frozen=True, kw_only=True, tag="settlement.approval.decided"
):
    """What a second person said of a command to settlement."""
