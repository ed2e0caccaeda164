"""What fault tests share: after each of them all invariants hold."""

import pytest


@pytest.fixture(autouse=True)
def _sound(sound_books: None) -> None:
    """Every test here ends with a look at all books."""
