"""The settlement process: commands, events, what venues report and what the bank reports."""

from datetime import timedelta

from services.runtime import process
from services.runtime.consumer import Consumption
from services.runtime.postgres import Pool
from services.runtime.settings import ServiceSettings
from services.settlement.bank import bank_work
from services.settlement.capture import capture_work, read_ahead
from services.settlement.handlers import SERVICE
from services.settlement.waiting import keep_sweeping


class SettlementSettings(ServiceSettings):
    """What settlement needs beside."""

    waiting_seconds: int = 60
    """How long a trade may wait for an account or instrument to become known."""


def extra(pool: Pool, settings: SettlementSettings) -> process.Extra:
    """The queues and the sweep that only settlement has."""
    patience = timedelta(seconds=settings.waiting_seconds)
    return process.Extra(
        consumptions=[
            Consumption(
                "settlement.trades",
                capture_work(pool, patience),
                batch_size=1_000,
                prefetch=2_000,
                read_ahead=read_ahead,
            ),
            Consumption("settlement.bank", bank_work(pool)),
        ],
        tasks=[lambda after_commit: keep_sweeping(pool, patience, after_commit)],
    )


if __name__ == "__main__":
    process.run(SERVICE, SettlementSettings, extra)
