"""Market terms: the rules of one programme's market at one venue, as versioned data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from itertools import pairwise

from services.kernel.refusals import Conflict, Invalid
from services.settlement.messages.market import MarketTerms, MethodTerms, Session

AHEAD_MAX = timedelta(days=366)
"""How long before they begin terms may be set."""
SESSIONS_MAX = 10
_WHOLE = 1_000_000
"""A fee of so many millionths is the whole value."""


class Method(StrEnum):
    """How a venue matched a trade (article 12)."""

    LISTING = "LISTING"
    BULK = "BULK"
    AUCTION = "AUCTION"
    BILATERAL = "BILATERAL"


class Cycle(StrEnum):
    """When a captured trade settles: at once, or after the day's two confirmations (articles 27 and 28)."""

    IMMEDIATE = "IMMEDIATE"
    DAY_END = "DAY_END"


class Days(StrEnum):
    """Which days a market is open."""

    TRADING_DAYS = "TRADING_DAYS"
    EVERY_DAY = "EVERY_DAY"


@dataclass(frozen=True, slots=True)
class Terms:
    """The rules that a trade obeys on its day."""

    programme: str
    valid_from: date
    cycle: Cycle
    methods: Mapping[str, MethodTerms]
    sessions: Sequence[tuple[time, time]]
    days: Days
    lot_tonnes: int
    tick_fen: int
    gap_trading_days: int
    listing_trading_days: int
    seller_fee_ppm: int
    buyer_fee_ppm: int
    fee_account: str | None


@dataclass(eq=False)
class MarketTermsInvalid(Invalid):
    """A market has terms that every trade can be held against."""

    field: str
    given: str
    expected: str


@dataclass(eq=False)
class MarketTermsInForce(Conflict):
    """Terms are followed by later ones, and are never changed for days that are over."""

    given: date
    expected: str


def read_terms(said: MarketTerms) -> Terms:
    """The rules that were said; raises MarketTermsInvalid for the first that makes no sense."""
    _require("cycle", said.cycle, said.cycle in list(Cycle), " or ".join(Cycle))
    _require("calendar", said.calendar, said.calendar in list(Days), " or ".join(Days))
    _require("tick_fen", said.tick_fen, 0 < said.tick_fen <= 10_000, "1 to 10000")
    _require("lot_tonnes", said.lot_tonnes, 0 < said.lot_tonnes <= 1_000_000, "1 to 1000000")
    days = said.gap_trading_days, said.listing_trading_days
    _require("gap_trading_days", days[0], 0 <= days[0] <= 250, "0 to 250")
    _require("listing_trading_days", days[1], 0 <= days[1] <= 250, "0 to 250")
    _require_fees(said)
    _require_methods(said.methods, said.lot_tonnes)
    unknown = sorted(set(said.unverified) - set(MarketTerms.__struct_fields__))
    _require("unverified", ", ".join(unknown), not unknown, "fields of the terms")
    return Terms(
        programme=said.programme,
        valid_from=said.valid_from,
        cycle=Cycle(said.cycle),
        methods={one.method: one for one in said.methods},
        sessions=_sessions(said.sessions),
        days=Days(said.calendar),
        lot_tonnes=said.lot_tonnes,
        tick_fen=said.tick_fen,
        gap_trading_days=said.gap_trading_days,
        listing_trading_days=said.listing_trading_days,
        seller_fee_ppm=said.seller_fee_ppm,
        buyer_fee_ppm=said.buyer_fee_ppm,
        fee_account=said.fee_account,
    )


def require_later(terms: Terms, earlier: Sequence[Terms], today: date) -> None:
    """Raises MarketTermsInForce unless these follow all earlier ones and change nothing that is over.

    Terms of a distant future would let nobody set any before them: MarketTermsInvalid.
    """
    latest = today + AHEAD_MAX
    _require("valid_from", terms.valid_from, terms.valid_from <= latest, f"by {latest}")
    if not earlier:
        return
    newest = max(one.valid_from for one in earlier)
    if terms.valid_from <= max(newest, today):
        raise MarketTermsInForce(terms.valid_from, f"after {max(newest, today)}")


def terms_on(day: date, versions: Sequence[Terms]) -> Terms | None:
    """The version in force on a day: the newest that had begun."""
    begun = [one for one in versions if one.valid_from <= day]
    return max(begun, key=lambda one: one.valid_from, default=None)


def price_band(reference_fen: int, basis_points: int, tick_fen: int) -> tuple[int, int]:
    """The lowest and highest price in fen, both allowed; rounded to the tick inward (article 16)."""
    lowest = -(-reference_fen * (10_000 - basis_points) // (10_000 * tick_fen)) * tick_fen
    highest = reference_fen * (10_000 + basis_points) // (10_000 * tick_fen) * tick_fen
    return lowest, highest


def fee_fen(amount_fen: int, ppm: int) -> int:
    """The commission on a value, rounded half up to the fen."""
    return (2 * amount_fen * ppm + _WHOLE) // (2 * _WHOLE)


def _require_fees(said: MarketTerms) -> None:
    for name in ("seller_fee_ppm", "buyer_fee_ppm"):
        ppm = getattr(said, name)
        _require(name, ppm, 0 <= ppm <= _WHOLE, f"0 to {_WHOLE}")
        _require("fee_account", said.fee_account, not ppm or said.fee_account, "who receives fees")


def _require_methods(methods: Sequence[MethodTerms], lot_tonnes: int) -> None:
    names = [one.method for one in methods]
    unknown = sorted(set(names) - set(Method))
    listed = ", ".join(names) or "none"
    expected = f"at least one of {' or '.join(Method)}, each once"
    _require("methods", listed, names and not unknown and len(set(names)) == len(names), expected)
    for one in methods:
        band, most = one.band_basis_points, one.tonnes_max
        _require("band_basis_points", band, band is None or 0 < band < 10_000, "1 to 9999")
        _require("tonnes_min", one.tonnes_min, one.tonnes_min > 0, "at least 1")
        lots = -(-one.tonnes_min // lot_tonnes) * lot_tonnes
        _require("tonnes_max", most, most is None or most >= lots, f"at least {lots}")


def _sessions(said: Sequence[Session]) -> list[tuple[time, time]]:
    """In their order in the day; no two have an instant in common."""
    sessions = sorted(_session(one) for one in said)
    is_apart = all(before[1] < after[0] for before, after in pairwise(sessions))
    is_right = is_apart and len(sessions) <= SESSIONS_MAX
    _require("sessions", len(said), is_right, f"at most {SESSIONS_MAX}, apart from each other")
    return sessions


def _session(said: Session) -> tuple[time, time]:
    given = f"{said.opens} to {said.closes}"
    try:
        opens, closes = time.fromisoformat(said.opens), time.fromisoformat(said.closes)
    except ValueError:
        raise MarketTermsInvalid("sessions", given[:40], "as 09:30 to 11:30") from None
    is_plain = opens.tzinfo is None and closes.tzinfo is None and opens < closes
    _require("sessions", given, is_plain, "the opening before the close, in Beijing time")
    return opens, closes


def _require(field: str, given: object, is_right: object, expected: str) -> None:
    if not is_right:
        raise MarketTermsInvalid(field, str(given)[:100], expected)
