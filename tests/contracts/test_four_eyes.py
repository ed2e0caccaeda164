"""What takes two persons in settlement: what cannot be taken back, and what is done without the holder."""

from services.runtime.messages import wire_name
from services.settlement.handlers import SERVICE

APPROVED = """
    cancel_credits clear_gap correct_posting declare_first_price enforce_obligation enforce_transfer freeze_account
    freeze_credits make_good release_freeze retire_credits set_market_terms
""".split()


def test_what_cannot_be_taken_back_is_asked_by_one_person_and_approved_by_another() -> None:
    """Who adds such a command adds it here, and to its handlers' FOUR_EYES."""
    approved = {wire_name(kind).removeprefix("settlement.") for kind in SERVICE.four_eyes}
    assert approved == set(APPROVED)
