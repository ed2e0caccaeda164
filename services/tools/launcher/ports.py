"""Free ports on the loopback interface."""

import random
import socket

from services.tools.launcher.faults import PortTakenError

# Below the range from which systems take the ports of outgoing connections.
_RANGE = range(20_000, 32_000)
GATEWAY_PORT = 8080


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(preferred: int | None = None) -> int:
    """The preferred port if it is free, else one that is."""
    if preferred and is_free(preferred):
        return preferred
    return next(port for port in random.sample(_RANGE, len(_RANGE)) if is_free(port))


def gateway_port(asked: int | None) -> int:
    """The port that was asked for and no other; if none was, 8080 or the next one free."""
    if asked is None:
        return next(port for port in range(GATEWAY_PORT, GATEWAY_PORT + 1000) if is_free(port))
    if not is_free(asked):
        raise PortTakenError(
            f"Port {asked} is in use", "stop what listens there, or leave --port out"
        )
    return asked
