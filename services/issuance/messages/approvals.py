"""What is said of commands to issuance that need a second person."""

from services.runtime import approval


class ApproveCommand(approval.Approve, frozen=True, kw_only=True, tag="issuance.approve_command"):
    """Approves what another person asked issuance for."""


class RefuseCommand(approval.Refuse, frozen=True, kw_only=True, tag="issuance.refuse_command"):
    """Refuses what another person asked issuance for."""


class ApprovalRequested(
    approval.ApprovalRequested, frozen=True, kw_only=True, tag="issuance.approval.requested"
):
    """A command to issuance waits for a second person."""


class ApprovalDecided(
    approval.ApprovalDecided, frozen=True, kw_only=True, tag="issuance.approval.decided"
):
    """What a second person said of a command to issuance."""
