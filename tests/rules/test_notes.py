"""Notes: the text under a field is found in the source, inherited ones too."""

from services.registry.messages.approvals import ApproveCommand
from services.registry.messages.notices import OpenNotice
from services.registry.messages.projects import DraftProject
from services.runtime import approval
from services.runtime.messages import Answer
from services.runtime.notes import field_notes


def test_each_note_stands_under_its_field() -> None:
    assert field_notes(OpenNotice) == {
        "validation_body": "The number of its account, of kind VERIFIER.",
        "documents": "One of them the PDD.",
    }
    assert field_notes(DraftProject)["longitude"] == "Degrees east, -180 to 180."


def test_a_class_without_notes_has_none_and_others_are_inherited() -> None:
    assert field_notes(ApproveCommand) == field_notes(approval.Approve) == {}
    assert field_notes(int) == {}

    class Narrowed(Answer, frozen=True, kw_only=True):
        pass

    assert field_notes(Narrowed) == field_notes(Answer) != {}
