"""The ``tonne`` command line: each command says what it does, and imports late what it needs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from services.kernel.refusals import Refusal
from services.tools.launcher.faults import LaunchError
from services.tools.launcher.places import STACK

app = typer.Typer(
    name="tonne",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The open backbone of a carbon-credit market.",
)

bench = typer.Typer(
    no_args_is_help=True, help="Measures beside a yardstick of the same run, on a stack of its own."
)
app.add_typer(bench, name="bench")

AsJson = Annotated[bool, typer.Option("--json", help="Only JSON on standard output.")]
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def main() -> None:
    """Runs the command line; what stops a start is one line and an exit code of its own."""
    try:
        app(prog_name="tonne")
    except LaunchError as fault:
        print(f"tonne: {fault}", file=sys.stderr)
        sys.exit(fault.exit_code)
    except PermissionError as fault:
        cure = "run as its owner, or as root remove the folder .tonne"
        print(f"tonne: {fault.filename} belongs to another user. Cure: {cure}", file=sys.stderr)
        sys.exit(1)
    except Refusal as refusal:
        print(f"tonne: {refusal}", file=sys.stderr)
        sys.exit(2)


@app.command()
def up(
    port: Annotated[int | None, typer.Option(help="The gateway's port: this one or none.")] = None,
    once: Annotated[
        bool, typer.Option(help="Run the demo in a folder of its own, then stop.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Starts the whole market, loads the demo the first time, and stays until Ctrl-C."""
    from services.tools import up as command

    sys.exit(command.once(port, as_json) if once else command.stay(port, as_json))


@app.command()
def down() -> None:
    """Stops what tonne up started, from another terminal."""
    from services.tools.launcher.leftovers import stop_launcher

    pid = stop_launcher(STACK)
    print(f"stopped process {pid}" if pid else "nothing was running")


@app.command()
def reset() -> None:
    """Removes all data of tonne up: there is no way back. Environment and downloads stay."""
    from services.tools.launcher.leftovers import end_leftovers, held_folder
    from services.tools.launcher.places import remove_data

    with held_folder(STACK):
        end_leftovers(STACK)
        remove_data(STACK)
    print(f"removed {STACK}")


@app.command()
def demo(as_json: AsJson = False) -> None:
    """Loads the demo into the market that is running."""
    from services.tools import up as command

    sys.exit(command.load_into_running(as_json))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Says what a start would find and use, and what is missing; starts nothing."""
    from services.tools.launcher import doctor as command

    sys.exit(command.report(as_json))


@app.command()
def token(
    subject: Annotated[str, typer.Option(help="Who: a person's name or number.")],
    organisation: Annotated[str | None, typer.Option(help="The organisation's id.")] = None,
    role: Annotated[list[str] | None, typer.Option(help="May be given several times.")] = None,
) -> None:
    """Prints a bearer token that the local gateway accepts for twelve hours."""
    from services.tools.launcher.issuer import prepared_key, signed_token

    print(signed_token(prepared_key(STACK), subject, organisation, role or []))


@app.command()
def trade(
    tonnes: Annotated[int, typer.Option(min=1, help="Whole tonnes.")] = 100,
    price: Annotated[str, typer.Option(help="Yuan a tonne, two decimals.")] = "80.00",
) -> None:
    """Publishes a trade to the market that is running, as its venue, and waits for the outcome."""
    from services.tools import running

    sys.exit(running.trade(tonnes, price))


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Checks every invariant of the market that is running; fails if one is broken."""
    from services.tools import running

    sys.exit(running.verify(as_json))


@app.command()
def quantify(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help="TOML or JSON: what was measured."),
    ],
    methodology: Annotated[
        Path | None, typer.Option(exists=True, help="The methodology's TOML, if not the demo's.")
    ] = None,
    grid_factors: Annotated[
        Path | None, typer.Option(exists=True, help="The grids' TOML, if not the demo's.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Computes the tonnes of a monitoring period from what was measured, and shows every step."""
    from services.tools import quantify as command

    print(command.report(file, methodology, grid_factors, as_json))


@bench.command()
def registry(
    projects: Annotated[int, typer.Option(min=10, help="How many projects are loaded.")] = 12_500,
    reports: Annotated[int, typer.Option(min=10, help="How many monitoring reports.")] = 20_000,
    seconds: Annotated[int, typer.Option(min=1, help="pgbench's time in each round.")] = 4,
    as_json: AsJson = False,
) -> None:
    """Loads a whole country's register by command, beside pgbench, and searches it."""
    from services.tools.bench import registry as command

    sys.exit(command.report(command.Size(projects, reports, seconds), as_json))


@bench.command()
def settlement(
    trades: Annotated[
        int, typer.Option(min=300, help="How many trades three rounds settle.")
    ] = 210_000,
    accounts: Annotated[int, typer.Option(min=50, help="How many accounts trade.")] = 2_000,
    instruments: Annotated[int, typer.Option(min=1, help="How many instruments.")] = 100,
    blocks: Annotated[
        int, typer.Option(min=1, help="How many holdings more when growth is measured.")
    ] = 5_000_000,
    seconds: Annotated[int, typer.Option(min=1, help="pgbench's time in each round.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Settles trades from the queue beside pgbench, then live, then with a kill, then among millions of holdings."""
    from services.tools.bench import settlement as command

    size = command.Size(trades, accounts, instruments, blocks, seconds)
    sys.exit(command.report(size, as_json))


@app.command()
def chaos(
    rounds: Annotated[int, typer.Option(min=1, help="One fault each; in 20 every kind.")] = 20,
    seed: Annotated[int, typer.Option(help="Decides which fault comes when.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Breaks a market of its own under load, round by round, and audits its books after each."""
    from services.tools.chaos import command

    sys.exit(command.report(rounds, seed, as_json))


@app.command()
def migrate(
    show: Annotated[bool, typer.Option("--print", help="Only print the SQL.")] = False,
) -> None:
    """Brings the database of TONNE_DATABASE_URL to this version."""
    from services.tools.launcher import administration

    print(administration.migration_sql() if show else administration.migrated_database())


@app.command()
def topology(
    show: Annotated[bool, typer.Option("--print", help="Only print the definitions.")] = False,
) -> None:
    """Declares exchanges, queues, users and rights on the broker of TONNE_AMQP_URL."""
    from services.tools.launcher import administration

    print(administration.topology_json() if show else administration.declared_topology())


@app.command()
def contracts(
    check: Annotated[bool, typer.Option(help="Fail if a file is stale; write nothing.")] = False,
) -> None:
    """Writes the published contracts: message schemas and the GraphQL SDL."""
    from services.tools import contracts as command

    paths = command.stale() if check else command.write()
    for path in paths:
        print(f"{'stale' if check else 'wrote'}: {path}")
    sys.exit(1 if check and paths else 0)


@app.command(context_settings=PASSED_ON, add_help_option=False, hidden=True)
def check(context: typer.Context) -> None:
    """Every check, then all tests; with arguments only pytest with those, for deploy/test."""
    from services.tools import check as command

    sys.exit(command.check(context.args))
