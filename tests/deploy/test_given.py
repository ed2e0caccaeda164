"""Servers that the environment names: addresses for other users, and faults that name the cure."""

import pytest

from services.tools.launcher import given
from services.tools.launcher.faults import ServerMissingError
from services.tools.launcher.ports import free_port
from services.tools.launcher.servers import migrated


def test_address_for_another_user_keeps_server_and_options() -> None:
    """Only the user changes, and the vhost if one is named; what a URL cannot hold is escaped."""
    url = "amqps://admin:old@mq.example:5671/old?heartbeat=5"
    changed = given.with_user(url, "HZ-PILOT", "p@ss/word", "tonne")
    assert changed == "amqps://HZ-PILOT:p%40ss%2Fword@mq.example:5671/tonne?heartbeat=5"
    assert (
        given.with_user("postgresql://db.example/books", "a", "b")
        == "postgresql://a:b@db.example/books"
    )


def test_address_is_shown_without_its_password() -> None:
    """What stands on a screen may be copied anywhere."""
    assert given.without_password("amqp://admin:secret@mq.example/x") == "amqp://mq.example/x"


async def test_silent_database_is_named_without_its_password() -> None:
    """A server that does not answer is missing, and its secret is not told."""
    url = f"postgresql://admin:secret@127.0.0.1:{free_port()}/tonne"
    with pytest.raises(ServerMissingError, match="does not answer") as silent:
        await migrated(url, {})
    assert "secret" not in str(silent.value)


async def test_broker_without_management_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the topology cannot be declared for them, administrators get what they need to do it."""
    monkeypatch.setenv("TONNE_AMQP_ADMIN_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ServerMissingError, match="topology --print") as missing:
        await given.import_definitions("amqp://admin:secret@127.0.0.1", {})
    assert "secret" not in str(missing.value)
