"""The schema beside the messages and the published reads: what one has, the other has too."""

import inspect
import re
from pathlib import Path

import pytest
from graphql import is_object_type, parse, validate
from strawberry.utils.str_converters import to_camel_case

from services.gateway import reads, schema
from services.gateway.app import STATIC
from services.gateway.limits import graphql_schema
from services.gateway.nodes import FINDERS
from services.issuance import messages as issuance
from services.registry import messages as registry
from services.runtime import approval, queries
from services.runtime.messages import Command, wire_name
from services.runtime.postgres import opened_connection
from services.settlement import messages as settlement
from services.tools import contracts
from tests.conftest import Database
from tests.flows.graph import KINDS, mutation_of

COMMANDS = [
    command
    for module in (registry, issuance, settlement)
    for command in module.COMMANDS
    if not issubclass(command, approval.Decision)
]


@pytest.mark.parametrize("command", COMMANDS, ids=wire_name)
def test_every_command_has_a_mutation_whose_input_has_its_fields(command: type[Command]) -> None:
    verb = mutation_of(command)
    mutation = KINDS["Mutation"].fields[verb]
    taken = KINDS[str(mutation.args["input"].type).rstrip("!")]
    assert taken.name == f"{verb[0].upper()}{verb[1:]}Input"
    assert mutation.description == inspect.getdoc(command)
    given = set(taken.fields) - {"id", "effectiveAt"}
    wanted = {to_camel_case(name) for name in command.__struct_fields__}
    assert given <= wanted
    assert len(wanted - given) <= 1, "only what the command makes may have its id"
    assert all(name.endswith("Id") for name in wanted - given)


def test_every_mutation_is_a_command() -> None:
    assert set(KINDS["Mutation"].fields) == {mutation_of(c) for c in COMMANDS} | {
        "approve",
        "refuse",
    }


def test_every_mutation_answers_with_a_payload_of_the_one_shape() -> None:
    for field in KINDS["Mutation"].fields.values():
        payload = KINDS[str(field.type).rstrip("!")]
        assert [one.name for one in payload.interfaces] == ["Payload"]


def test_every_node_is_found_by_its_id() -> None:
    nodes = {
        name
        for name, kind in KINDS.items()
        if is_object_type(kind) and "Node" in [one.name for one in kind.interfaces]
    }
    assert nodes == set(FINDERS)


def test_the_schema_has_no_floats() -> None:
    assert not re.search(r"\bFloat\b", schema.schema.as_str())


def test_every_list_of_the_schema_is_bounded() -> None:
    """A list without pages is only allowed where its length is."""
    lists = {
        f"{name}.{field}"
        for name, kind in KINDS.items()
        if hasattr(kind, "fields") and not name.startswith("__")
        for field, definition in kind.fields.items()
        if str(definition.type).startswith("[") and not name.endswith(("Connection", "Input"))
    }
    errors = {
        f"{name}.errors" for name in graphql_schema(schema.schema).type_map if "Payload" in name
    }
    assert lists - errors == {
        "Account.cash",
        "Account.operators",
        "AllocationPlan.benchmarks",
        "AllocationPlan.emissionYears",
        "Balances.cash",
        "CarryOverTerms.sourceVintages",
        "CarryOverTerms.surrenderedYears",
        "ComplianceYear.payments",
        "ComplianceYear.units",
        "Conversion.fields",
        "Conversion.sourceRanges",
        "Correction.accountNumbers",
        "Correction.ranges",
        "MarketTerms.methods",
        "MarketTerms.sessions",
        "MarketTerms.unverified",
        "Enforcement.ranges",
        "EmissionYear.allowanceVintages",
        "Freeze.held",
        "Freeze.ranges",
        "Instrument.priceLimits",
        "Methodology.parameters",
        "MonitoringReport.cautions",
        "Obligation.allowanceVintages",
        "MonitoringReport.documents",
        "MonitoringReport.unverified",
        "MonitoringReport.vintages",
        "OfficialDays.holidays",
        "OfficialDays.workingDays",
        "OwnReport.cautions",
        "OwnReport.documents",
        "OwnReport.unverified",
        "OwnReport.vintages",
        "Programme.roleAssignments",
        "Programme.versions",
        "Project.documents",
        "Project.duplicates",
        "QuantifyPayload.cautions",
        "QuantifyPayload.unverified",
        "QuantifyPayload.vintages",
        "Query.nodes",
        "Refusal.fields",
        "Report.cautions",
        "Report.documents",
        "Report.unverified",
        "Report.vintages",
        "Retirement.ranges",
        "Statement.cash",
        "Statement.obligations",
        "Trade.disputes",
        "Trade.fields",
        "Trade.ranges",
        "Transfer.ranges",
        "Validation.team",
        "Verification.team",
        "ViewerIdentity.roles",
    }


def test_the_examples_of_the_query_page_are_valid() -> None:
    document = parse((STATIC / "examples.graphql").read_text(encoding="utf-8"))
    assert validate(graphql_schema(schema.schema), document) == []


def test_the_query_page_asks_no_other_host() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"(?:src|href)=\"(?!/static/|data:)", page) == []
    assert "url(http" not in (STATIC / "graphiql.css").read_text(encoding="utf-8")


def test_every_statement_reads_from_one_service_only_and_has_a_name_of_its_own() -> None:
    assert {reads.service_of(name) for name in reads.sql} == set(reads.SERVICES)
    files = Path(reads.__file__).parent.glob("*.sql")
    assert sum(len(queries.load(file)) for file in files) == len(reads.sql)


def test_everything_that_is_published_for_all_is_read() -> None:
    folder = contracts.SCHEMA_FOLDER
    published = "\n".join(
        file.read_text(encoding="utf-8")
        for service in reads.SERVICES
        for file in (folder / service).glob("read*.sql")
    )
    views = set(re.findall(r"CREATE VIEW (\w+_read\.\w+)", published))
    assert views <= set(re.findall(r"\w+_read\.\w+", "\n".join(reads.sql.values())))


async def test_every_statement_is_understood_and_allowed(database: Database) -> None:
    connection = await opened_connection(database.url("gateway"), "public")
    try:
        for name, statement in reads.sql.items():
            parameters = (await connection.prepare(statement)).get_parameters()
            values = f"({', '.join(['NULL'] * len(parameters))})" if parameters else ""
            await connection.execute(f'PREPARE "{name}" AS {statement}')
            await connection.execute(f'EXPLAIN EXECUTE "{name}"{values}')
    finally:
        await connection.close()


@pytest.mark.parametrize("service", reads.SERVICES)
async def test_the_gateway_sees_nothing_but_what_is_published(
    service: str, database: Database
) -> None:
    connection = await opened_connection(database.url("gateway"), service)
    try:
        seen = await connection.fetch(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.table_privileges"
            " WHERE grantee IN (current_user, 'PUBLIC') AND table_schema NOT IN"
            " ('pg_catalog', 'information_schema') AND"
            " NOT (table_schema LIKE '%\\_read' AND privilege_type = 'SELECT')"
        )
    finally:
        await connection.close()
    assert [row[0] for row in seen] == []
