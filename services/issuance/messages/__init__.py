"""What issuance may be told and what it says: monitoring reports, reductions, and the batches issued from them."""

from services.issuance.messages import (
    applications,
    approvals,
    batches,
    days,
    notices,
    quantification,
    reductions,
    reports,
    verifications,
)
from services.runtime import approval
from services.runtime.messages import Command, Event

APPROVALS = approval.Words(
    approvals.ApproveCommand,
    approvals.RefuseCommand,
    approvals.ApprovalRequested,
    approvals.ApprovalDecided,
)

COMMANDS: tuple[type[Command], ...] = (
    reports.SubmitReport,
    notices.OpenReportNotice,
    notices.CommentOnReport,
    verifications.RecordVerification,
    applications.ApplyForReduction,
    applications.RegisterReduction,
    applications.RefuseReduction,
    reports.WithdrawReport,
    days.OpenDay,
    quantification.Quantify,
    quantification.PublishGridFactor,
    reductions.RecordReduction,
    reductions.EstimateReduction,
    reductions.WithdrawEstimate,
    reductions.RevokeReductions,
    batches.IssueCredits,
    batches.ImportOpeningBatch,
    approvals.ApproveCommand,
    approvals.RefuseCommand,
)
EVENTS: tuple[type[Event], ...] = (
    reports.ReportSubmitted,
    notices.ReportNoticeOpened,
    notices.ReportCommented,
    notices.ReportNoticeEnded,
    verifications.ReductionsVerified,
    applications.ReductionApplied,
    applications.DecisionOverdue,
    reports.ReportDatesComputed,
    applications.ReductionRegistered,
    applications.ReductionRefused,
    reports.ReportWithdrawn,
    reports.ReportIssued,
    reports.ReportRevoked,
    days.DayOpened,
    quantification.MethodologyUnreadable,
    quantification.GridFactorPublished,
    reductions.ReductionRecorded,
    reductions.ReductionEstimated,
    reductions.EstimateWithdrawn,
    reductions.ReductionIssued,
    reductions.ReductionsRevoked,
    batches.CreditsIssued,
    approvals.ApprovalRequested,
    approvals.ApprovalDecided,
)
