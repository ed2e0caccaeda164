"""The command line: one clear line and an exit code of its own for what can go wrong; Ctrl-C leaves nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from services.tools.launcher import faults
from services.tools.launcher.issuer import AUDIENCE, ISSUER, JWKS_FILE, prepared_key, signed_token
from services.tools.launcher.places import CHECKOUT, STATE, require_room
from services.tools.launcher.ports import free_port, gateway_port, is_free
from services.tools.stack import attached_stack
from tests.deploy.traces import processes_with, reached

TONNE = (sys.executable, "-m", "services.tools")


def tonne(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        [*TONNE, *arguments],
        cwd=CHECKOUT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_taken_port_is_one_line_with_its_cure() -> None:
    """Who asks for a port gets that port or an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = tonne("up", "--once", "--json", "--port", str(port))
    assert done.returncode == faults.PortTakenError.exit_code == 4
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"tonne: Port {port} is in use. Cure: stop what listens there, or leave --port out"
    ]


def test_gateway_takes_the_next_port_if_nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --port a taken 8080 is no reason to stop."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr("services.tools.launcher.ports.GATEWAY_PORT", port)
        assert not is_free(port)
        assert gateway_port(None) > port
    assert free_port(port) == port


def test_doctor_says_what_it_would_use() -> None:
    """Everything a start needs, found, on a machine that runs these tests."""
    done = tonne("doctor", "--json")
    found = {each["name"]: each for each in json.loads(done.stdout)}
    assert done.returncode == 0
    assert {"Python", "PostgreSQL", "RabbitMQ", "port", "disk", "running"} == found.keys()
    assert all(each["exit_code"] == 0 for each in found.values())


def test_doctor_names_what_is_missing_and_its_cure() -> None:
    """A missing server has its own exit code, also in the doctor's report."""
    done = tonne("doctor", TONNE_POSTGRES_BIN="/nonexistent")
    assert done.returncode == faults.ServerMissingError.exit_code == 3
    missing = [line for line in done.stdout.splitlines() if line.startswith("MISSING")]
    assert len(missing) == 1
    assert "Cure: " in missing[0]
    assert "TONNE_DATABASE_URL" in missing[0]


def test_doctor_shows_given_servers_without_their_passwords() -> None:
    """What the environment names is used, and its secret stays one."""
    url = "postgresql://admin:secret@db.example:5432/tonne"
    done = tonne("doctor", TONNE_DATABASE_URL=url, TONNE_AMQP_URL="amqp://admin:secret@mq.example")
    assert done.returncode == 0
    assert "db.example:5432" in done.stdout
    assert "mq.example" in done.stdout
    assert "secret" not in done.stdout


def almost_full(_: object) -> SimpleNamespace:
    """A disk with 100 MB left."""
    return SimpleNamespace(free=100 << 20)


def test_full_disk_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Servers that run out of room half-way are worse than none."""
    monkeypatch.setattr("shutil.disk_usage", almost_full)
    with pytest.raises(faults.DiskFullError, match="Only 100 MB are free"):
        require_room(tmp_path)


def test_client_of_a_market_is_told_that_none_runs(tmp_path: Path) -> None:
    """Without a running stack there is nothing to attach to, and the line says how to start one."""
    with pytest.raises(faults.NotRunningError, match=r"Cure: deploy/up$"):
        attached_stack(tmp_path)


def test_token_holds_for_the_published_keys(tmp_path: Path) -> None:
    """The key stays secret, its public half proves the token."""
    key = prepared_key(tmp_path)
    organisation = "0198c0de-0000-7000-8000-000000000001"
    token = signed_token(key, "li", organisation, ["auditor", "historian"])
    keys = KeySet.import_key_set(json.loads((tmp_path / JWKS_FILE).read_text()))
    claims = jwt.decode(token, keys, algorithms=["ES256"]).claims
    assert claims["iss"] == ISSUER
    assert claims["aud"] == AUDIENCE
    assert claims["sub"] == "li"
    assert claims["organisation"] == organisation
    assert claims["roles"] == ["auditor", "historian"]
    assert claims["exp"] > claims["iat"]
    assert key.stat().st_mode & 0o777 == 0o600
    assert '"d"' not in (tmp_path / JWKS_FILE).read_text()
    assert prepared_key(tmp_path).read_text() == key.read_text()


def test_ctrl_c_leaves_nothing_running() -> None:
    """Everything that was started is stopped, and the data of ``--once`` is gone."""
    gateways = _started_gateways()
    started = subprocess.Popen(
        [*TONNE, "up", "--once", "--json"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert reached(lambda: _started_gateways() - gateways, 60)
        (gateway,) = _started_gateways() - gateways
        folder = gateway.parents[1]
        assert len(processes_with(str(folder))) > 6
        os.killpg(started.pid, signal.SIGINT)
        output, _ = started.communicate(timeout=30)
    finally:
        started.kill()
    assert started.returncode == 130
    assert output == b""
    assert processes_with(str(folder)) == []
    assert not folder.exists()


def _started_gateways() -> set[Path]:
    return set(STATE.glob("once-*/pids/gateway"))
