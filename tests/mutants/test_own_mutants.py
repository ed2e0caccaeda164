"""Each seeded fault of ledger, uses, consumer or relay is noticed by the test that is named for it."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from services.tools.launcher.places import CHECKOUT
from services.tools.stack import running_stack
from tests.mutants.ledger import BOOKS, CAPTURE, RULES
from tests.mutants.mutant import Mutant
from tests.mutants.running import Copy, opened_copy
from tests.mutants.runtime import RUNTIME
from tests.mutants.uses import USES

MUTANTS = [one for one in RUNTIME if one.name.startswith("every message")]


@pytest.fixture(scope="module")
async def copy() -> AsyncIterator[Copy]:
    """A copy of the tree, with a PostgreSQL and a RabbitMQ for its tests alone: they give the roles new passwords."""
    with TemporaryDirectory(prefix="tonne-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with running_stack(folder / "servers", fast=True, services=()) as servers:
            with opened_copy(folder, servers) as opened:
                yield opened


def test_the_text_that_a_mutant_changes_is_there_exactly_once() -> None:
    """Else the mutant has rotted: it would change nothing, or something else."""
    found = {
        one.name: (CHECKOUT / one.file).read_text(encoding="utf-8").count(one.was)
        for one in MUTANTS
    }
    assert {name: times for name, times in found.items() if times != 1} == {}
    assert len(found) == len(MUTANTS)


async def test_without_a_mutant_every_named_test_passes(copy: Copy) -> None:
    run = await copy.run(sorted({one.caught_by for one in MUTANTS}))
    assert run.exit_code == 0, run.output


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
async def test_a_mutant_is_caught_by_the_test_that_is_named_for_it(
    copy: Copy, mutant: Mutant
) -> None:
    with copy.mutated(mutant):
        run = await copy.run([mutant.caught_by], mutant)
    assert run.is_caught(mutant.complaint), run.output
