"""What settlement may be told and what it says, by noun."""

from services.runtime import approval
from services.runtime.messages import Command, Event
from services.settlement.messages import approvals, cash, holdings, market, retirements, trades

APPROVALS = approval.Words(
    approvals.ApproveCommand,
    approvals.RefuseCommand,
    approvals.ApprovalRequested,
    approvals.ApprovalDecided,
)

COMMANDS: tuple[type[Command], ...] = (
    market.OpenVenue,
    market.SetMarketTerms,
    market.StartReplay,
    market.EndReplay,
    market.DeclareFirstPrice,
    market.ConfirmDay,
    market.ClearGap,
    market.ObjectToTrade,
    market.CloseDispute,
    holdings.MoveToVenue,
    holdings.MoveFromVenue,
    holdings.ProposeTransfer,
    holdings.AcceptTransfer,
    holdings.RefuseTransfer,
    holdings.WithdrawTransfer,
    holdings.CorrectPosting,
    retirements.RetireCredits,
    market.OpenDay,
    approvals.ApproveCommand,
    approvals.RefuseCommand,
)
EVENTS: tuple[type[Event], ...] = (
    market.VenueOpened,
    market.MarketTermsSet,
    market.VenueModeChanged,
    market.InstrumentListed,
    market.FirstPriceDeclared,
    market.DayConfirmed,
    market.DayReconciled,
    market.CashReconciled,
    market.VenueHalted,
    market.GapCleared,
    market.TradeDisputed,
    market.DisputeClosed,
    market.DayOpened,
    holdings.CreditsReceived,
    holdings.CreditsMoved,
    holdings.TransferProposed,
    holdings.TransferAccepted,
    holdings.TransferEnded,
    holdings.PostingCorrected,
    cash.CashMoved,
    cash.CashRejected,
    trades.TradeCaptured,
    trades.TradeSettled,
    trades.TradeRejected,
    trades.TradeConflicted,
    trades.CancellationRejected,
    retirements.CreditsRetired,
    approvals.ApprovalRequested,
    approvals.ApprovalDecided,
)
