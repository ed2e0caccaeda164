"""What the registry does with each command, and what needs a second person."""

from services.registry import (
    account_handlers,
    day_handlers,
    decision_handlers,
    programme_handlers,
    project_handlers,
)
from services.registry.messages import APPROVALS
from services.registry.messages.calendars import OpenDay
from services.runtime.inbox import Service

SERVICE = Service(
    name="registry",
    commands={
        **account_handlers.COMMANDS,
        **programme_handlers.COMMANDS,
        **project_handlers.COMMANDS,
        **decision_handlers.COMMANDS,
        **day_handlers.COMMANDS,
    },
    events={},
    approvals=APPROVALS,
    four_eyes={
        **account_handlers.FOUR_EYES,
        **programme_handlers.FOUR_EYES,
        **decision_handlers.FOUR_EYES,
        **day_handlers.FOUR_EYES,
    },
    daily=lambda day: OpenDay(date=day),
)
