"""``tonne migrate`` and ``tonne topology``: servers that others administer, and what to give to those who do."""

import asyncio
import json
import os

from services.runtime import migrate, topology
from services.tools.contracts import command_names
from services.tools.launcher import given
from services.tools.launcher.faults import ServerMissingError
from services.tools.launcher.places import STACK, made_folder
from services.tools.launcher.servers import migrated, stack_passwords


def migration_sql() -> str:
    """What an administrator of PostgreSQL runs so that ``tonne migrate`` has the rights that it needs."""
    statements = migrate.roles_sql(stack_passwords(made_folder(STACK)).roles)
    return "\n".join(f"{statement};" for statement in statements)


def migrated_database() -> str:
    """Migrates the database of the environment; returns what was applied, a name a line."""
    url = _required("TONNE_DATABASE_URL", "postgresql://admin:password@host/tonne")
    names = asyncio.run(migrated(url, stack_passwords(made_folder(STACK)).roles))
    return "\n".join(names) or "nothing to do"


def topology_json() -> str:
    """The definitions file that an administrator of RabbitMQ imports (``rabbitmqctl import_definitions``)."""
    words = stack_passwords(made_folder(STACK)).users
    return json.dumps(topology.definitions(words, command_names()), indent=1)


def declared_topology() -> str:
    """Declares the topology on the broker of the environment; returns what to say."""
    url = _required("TONNE_AMQP_URL", "amqp://admin:password@host")
    words = stack_passwords(made_folder(STACK)).users
    asyncio.run(given.import_definitions(url, topology.definitions(words, command_names())))
    return f"declared in vhost {topology.VHOST}"


def _required(name: str, example: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ServerMissingError(f"{name} is not set", f"{name}={example} deploy/tonne ...")
    return value
