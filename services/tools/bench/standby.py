"""A second settlement process beside the first: it stands by until the broker makes it the active one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from services.tools.launcher.ports import free_port
from services.tools.launcher.programs import reporting_ready
from services.tools.launcher.supervisor import Child
from services.tools.stack import Stack, silent


@asynccontextmanager
async def standing_by(stack: Stack, name: str) -> AsyncIterator[None]:
    """Another process of this service is ready, and stays until the end."""
    program, port = stack.children[name].program, free_port()
    second = replace(
        program,
        name=f"{name}-standby",
        environment={**program.environment, "TONNE_ADMIN_PORT": str(port)},
        is_ready=reporting_ready(port),
    )
    standby = Child(second, stack.folder, silent)
    try:
        await standby.start()
        yield
    finally:
        await standby.stop()
