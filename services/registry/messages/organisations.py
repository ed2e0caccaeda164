"""What is said of organisations: who they are, and which categories of them are admitted."""

from uuid import UUID

from services.runtime.messages import Command, Event


class RegisterOrganisation(
    Command, frozen=True, kw_only=True, tag="registry.register_organisation"
):
    """Enters a party under the code of its entity; what it is decides whether it may ever trade."""

    organisation_id: UUID
    name: str
    credit_code: str
    """In China the unified social credit code (GB 32100-2015), abroad the LEI (ISO 17442), of a person the number."""
    country: str = "CN"
    category: str = "ENTERPRISE"
    """ENTERPRISE, INSTITUTION, VERIFICATION_BODY, REGULATOR, REGISTRY, EXCHANGE or NATURAL_PERSON."""


class OrganisationRegistered(
    Event, frozen=True, kw_only=True, tag="registry.organisation.registered"
):
    """A legal entity is known to the registry."""

    organisation_id: UUID
    name: str
    credit_code: str
    country: str
    category: str = "ENTERPRISE"

    @property
    def subject(self) -> str:
        return f"organisation/{self.organisation_id}"


class ChangeAdmission(Command, frozen=True, kw_only=True, tag="registry.change_admission"):
    """Admits natural persons to the market, or admits no more of them."""

    category: str
    """NATURAL_PERSON: for every other category the law has decided."""
    is_admitted: bool
    reason: str


class AdmissionChanged(Event, frozen=True, kw_only=True, tag="registry.admission.changed"):
    """Parties of this category may take part from now on, or may not."""

    category: str
    is_admitted: bool
    reason: str

    @property
    def subject(self) -> str:
        return f"admission/{self.category}"
