"""What a mutant is: a fault that somebody could make, and the test that must notice it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One fault: a text of a file, what stands there instead, and who notices."""

    name: str
    danger: str
    """What would happen if nobody noticed."""
    file: str
    was: str
    becomes: str
    caught_by: str
    complaint: str = ""
    """What the test says when it is not an assertion that fails but the program itself that stops."""

    def applied(self, text: str) -> str:
        """The file's text with the fault in it."""
        assert text.count(self.was) == 1, f"{self.name} has rotted"
        return text.replace(self.was, self.becomes)
