"""What settlement has learned equals what the others said, and what it says reaches the broker."""

from services.tools import auditor
from tests.market import NATIONAL, Market
from tests.wire import eventually


async def test_once_everything_has_arrived_the_services_agree(market: Market) -> None:
    await market.owner_with_credits(100)
    await market.party("EMITTER")

    async def is_settled() -> bool:
        return not any((await auditor.verify(market.stack)).values())

    await eventually(is_settled)


async def test_a_missing_and_an_altered_row_are_each_counted(market: Market) -> None:
    """The comparison can fail: one account is taken from settlement's copy and one batch is altered."""
    owner = await market.owner_with_credits(100)
    lonely = await market.party("EMITTER")
    await market.until(
        "SELECT trading_account FROM settlement.account WHERE number = $1", lonely.account
    )
    query = "UPDATE settlement.batch SET vintage = $2 WHERE project = $1"
    removed = await market.database.fetchrow(
        "DELETE FROM settlement.account WHERE number = $1 RETURNING *", lonely.account
    )
    assert removed is not None
    await market.database.execute(query, owner.project, 1999)

    differences = await auditor.unsettled_differences(market.stack.database_urls)

    await market.database.execute(query, owner.project, owner.vintage)
    placeholders = ", ".join(f"${number}" for number in range(1, len(removed) + 1))
    await market.database.execute(
        f"INSERT INTO settlement.account VALUES ({placeholders})", *removed
    )
    assert differences["settlement.accounts_equal_registry"] == 1
    assert differences["settlement.batches_equal_issuance"] == 2


async def test_a_methodology_that_issuance_lost_is_seen(market: Market) -> None:
    lost = await market.database.fetchrow(
        "DELETE FROM issuance.methodology WHERE code = $1 RETURNING *", f"{NATIONAL}-M"
    )
    assert lost is not None
    differences = await auditor.unsettled_differences(market.stack.database_urls)
    placeholders = ", ".join(f"${number}" for number in range(1, len(lost) + 1))
    await market.database.execute(
        f"INSERT INTO issuance.methodology VALUES ({placeholders})", *lost
    )
    assert differences["issuance.methodologies_equal_registry"] == 1
    settled = await auditor.unsettled_differences(market.stack.database_urls)
    assert settled["issuance.methodologies_equal_registry"] == 0
    assert settled["issuance.organisations_equal_registry"] == 0


async def test_every_event_of_settlement_reaches_the_broker_in_order(market: Market) -> None:
    seller, buyer = await market.owner_with_credits(100), await market.buyer_with_cash()
    for _ in range(10):
        await market.settle(market.trade(seller, buyer, quantity=1))

    rows = await market.database.fetch(
        "SELECT id, aggregate, sequence FROM settlement.event"
        " WHERE type <> 'settlement.day.opened'"  # told before anybody here listened
    )
    stored = {(str(row["id"]), row["aggregate"], str(row["sequence"])) for row in rows}

    async def are_told() -> bool:
        return stored <= {(one.id, one.subject, one.sequence) for one in market.events}

    await eventually(are_told)
    first_seen: dict[str | None, list[int]] = {}
    for event in market.events:
        if event.source == "/settlement":
            numbers = first_seen.setdefault(event.subject, [])
            numbers.append(int(event.sequence or 0))
    assert all(numbers == sorted(numbers) for numbers in first_seen.values())
