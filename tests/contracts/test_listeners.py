"""What comes to a service's queue of events is what the service learns from."""

import pytest

from services.issuance import handlers as issuance
from services.runtime.inbox import Service
from services.runtime.messages import wire_name
from services.runtime.topology import LISTENERS, is_listened
from services.settlement import handlers as settlement


@pytest.mark.parametrize(
    "service", [issuance.SERVICE, settlement.SERVICE], ids=lambda one: one.name
)
def test_a_service_hears_what_it_learns_from_and_nothing_else(service: Service) -> None:
    assert set(LISTENERS[service.name]) == {wire_name(kind) for kind in service.events}


def test_what_no_service_learns_from_may_find_nobody() -> None:
    assert is_listened("registry.account.opened")
    assert not is_listened("registry.project.drafted")
