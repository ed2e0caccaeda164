"""What is said of two projects that may be one."""

from services.runtime.messages import Command, Event


class ProjectDuplicateFound(
    Event, frozen=True, kw_only=True, tag="registry.project.duplicate_found"
):
    """Another project may be the same: neither can be registered until a person has said that they are not."""

    code: str
    other: str
    other_programme: str
    distance_metres: int
    name_similarity_percent: int
    is_same_activity: bool

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


class ResolveDuplicate(Command, frozen=True, kw_only=True, tag="registry.resolve_duplicate"):
    """Says of two projects that they are the same, or that they are not, and why."""

    code: str
    other: str
    is_same: bool
    """The same project is registered only once: then neither can be registered while this stands."""
    reason: str


class ProjectDuplicateResolved(
    Event, frozen=True, kw_only=True, tag="registry.project.duplicate_resolved"
):
    """A person has said whether two projects are the same."""

    code: str
    other: str
    is_same: bool
    reason: str

    @property
    def subject(self) -> str:
        return f"project/{self.code}"
