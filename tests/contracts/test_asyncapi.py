"""AsyncAPI: the generated document is what the official parser accepts, and names all that crosses the broker."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from services.runtime import topology
from services.tools import asyncapi, contracts
from services.tools.launcher.places import cache_folder

PARSER = "@asyncapi/parser@3.6.3"
NODE_MIN = 18
DOCUMENT = contracts.SCHEMA_FOLDER / "asyncapi.yaml"
CURE = f"Node.js {NODE_MIN} or newer is needed to check schema/asyncapi.yaml: apt-get install nodejs npm"


def node_version() -> int:
    if shutil.which("node") is None or shutil.which("npm") is None:
        return 0
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return int(told.stdout.strip().removeprefix("v").split(".")[0])


@pytest.fixture(scope="module")
def parser() -> Path:
    """The folder in which the parser is installed, once."""
    if node_version() < NODE_MIN:
        pytest.fail(CURE, pytrace=False)
    folder = cache_folder() / PARSER.replace("/", "-").replace("@", "-").strip("-")
    if not (folder / "installed").exists():
        folder.mkdir(exist_ok=True)
        command = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", PARSER]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            pytest.fail(f"npm could not install {PARSER}: {done.stderr[-500:]}", pytrace=False)
        (folder / "installed").touch()
    return folder / "node_modules"


def parsed(parser: Path, document: Path) -> dict[str, Any]:
    done = subprocess.run(
        ["node", Path(__file__).with_name("asyncapi.cjs"), document],
        env=os.environ | {"NODE_PATH": str(parser)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_official_parser_accepts_the_document(parser: Path) -> None:
    found = parsed(parser, DOCUMENT)
    assert [one for one in found["findings"] if one["severity"] in ("error", "warning")] == []
    assert set(found["messages"]) == {*contracts.messages(), "answer"}
    wiring = topology.definitions(dict.fromkeys(topology.users(), ""), contracts.command_names())
    queues: Any = wiring["queues"]
    wanted = {*topology.EXCHANGES, *(queue["name"] for queue in queues), "answers"}
    assert set(found["channels"]) == wanted


def test_the_parser_would_notice_a_mistake(parser: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    text = DOCUMENT.read_text(encoding="utf-8").replace("action: send", "action: shout", 1)
    broken.write_text(text, encoding="utf-8")
    findings = parsed(parser, broken)["findings"]
    assert "error" in {one["severity"] for one in findings}


def test_every_message_is_published_on_one_exchange_and_reaches_a_queue_of_its_listeners() -> None:
    described = asyncapi.document(contracts.messages(), contracts.command_names())
    channels = described["channels"]
    published = [name for exchange in topology.EXCHANGES for name in channels[exchange]["messages"]]
    assert sorted(published) == sorted(contracts.messages())
    for service, learned in topology.LISTENERS.items():
        assert set(channels[f"{service}.events"]["messages"]) == set(learned)
    assert set(channels["registry.commands"]["messages"]) == set(
        contracts.command_names()["registry"]
    )
    assert "settlement.trade.settled" in channels["venue.CBGEX.outcomes"]["messages"]
    assert "trade.executed" in channels["settlement.trades.dead"]["messages"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": "b c"}, 'a: "b c"\n'),
        ({"a": {}}, "a: {}\n"),
        ({"a": []}, "a: []\n"),
        ({"$ref": "#/x"}, '"$ref": "#/x"\n'),
        ({"a": "null", "b": None, "c": "no", "d": "5"}, 'a: "null"\nb: null\nc: "no"\nd: "5"\n'),
        ({"a": [1, True, {"b": "x"}]}, "a:\n  - 1\n  - true\n  -\n    b: x\n"),
    ],
)
def test_yaml_reads_back_as_it_was_meant(value: object, text: str) -> None:
    assert asyncapi.as_yaml(value) == text
