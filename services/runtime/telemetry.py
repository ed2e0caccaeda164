"""Logs that people read on a terminal and machines read elsewhere, and the metrics of every process."""

import logging
import sys
from typing import Literal

import structlog
from prometheus_client import Counter, Gauge, Histogram

handled = Counter("tonne_messages_handled", "Messages handled", ["queue", "outcome"])
redelivered = Counter("tonne_messages_retried", "Batches tried again after a fault", ["queue"])
dead = Counter("tonne_messages_dead", "Messages moved to the dead letters", ["queue"])
published = Counter("tonne_events_published", "Events confirmed by the broker")
outbox_rows = Gauge("tonne_outbox_rows", "Transactions whose events the broker has not confirmed")
batch_seconds = Histogram("tonne_batch_seconds", "Time for one batch, commit included", ["queue"])


def configure(style: Literal["text", "json"]) -> None:
    """Sets up logging once, in a process's main."""
    renderer = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


def logger(part: str) -> structlog.stdlib.BoundLogger:
    """A logger that names its part of the process in each line."""
    return structlog.get_logger(part=part)
