"""What is said of commands to the registry that need a second person."""

from services.runtime import approval


class ApproveCommand(approval.Approve, frozen=True, kw_only=True, tag="registry.approve_command"):
    """Approves what another person asked the registry for."""


class RefuseCommand(approval.Refuse, frozen=True, kw_only=True, tag="registry.refuse_command"):
    """Refuses what another person asked the registry for."""


class ApprovalRequested(
    approval.ApprovalRequested, frozen=True, kw_only=True, tag="registry.approval.requested"
):
    """A command to the registry waits for a second person."""


class ApprovalDecided(
    approval.ApprovalDecided, frozen=True, kw_only=True, tag="registry.approval.decided"
):
    """What a second person said of a command to the registry."""
