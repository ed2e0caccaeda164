"""Where things lie, and which Unix account the servers run as when the launcher is root."""

import hashlib
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from services.tools.launcher.faults import DiskFullError, LaunchError

CHECKOUT = Path(__file__).resolve().parents[3]
STATE = CHECKOUT / ".tonne"
STACK = STATE / "stack"

_FREE_BYTES_MIN = 500 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Account:
    """A Unix account without rights of its own."""

    name: str
    user_id: int
    group_id: int

    def owns(self, path: Path) -> None:
        """Gives the path, and everything in it, to the account."""
        for each in (path, *path.rglob("*")):
            os.chown(each, self.user_id, self.group_id, follow_symlinks=False)


def account_for(server: str) -> Account | None:
    """Whom a server runs as: PostgreSQL refuses root and RabbitMQ does not need it. None: as the caller."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in (server, "nobody"):
        if name in known:
            return Account(name, known[name].pw_uid, known[name].pw_gid)
    raise LaunchError(
        "Root may not run PostgreSQL, and there is no user nobody", "run as another user"
    )


def is_reachable(path: Path, account: Account | None) -> bool:
    """Whether the account may enter every folder on the way to this path, and read its end."""
    if account is None:
        return True
    return all(
        _allows(each, account, stat.S_IXOTH if each.is_dir() else stat.S_IROTH)
        for each in (path, *path.parents)
        if each.exists()
    )


def _allows(path: Path, account: Account, right_of_others: int) -> bool:
    found = path.stat()
    if found.st_uid == account.user_id:
        return bool(found.st_mode & right_of_others << 6)
    if found.st_gid == account.group_id:
        return bool(found.st_mode & right_of_others << 3)
    return bool(found.st_mode & right_of_others)


def reachable_place(folder: Path, account: Account | None) -> Path:
    """The folder itself, or a stand-in under /var/tmp.

    Where the account cannot get to it (below /root, say), and where its name holds spaces, at which RabbitMQ fails.
    """
    if is_reachable(folder, account) and not any(map(str.isspace, str(folder))):
        return folder
    name = hashlib.sha256(bytes(folder)).hexdigest()[:12]
    place = Path("/var/tmp") / f"tonne-{name}"  # noqa: S108 its owner is checked below
    place.mkdir(mode=0o755, exist_ok=True)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise LaunchError(f"{place} belongs to someone else", f"remove {place}")
    return place


def made_folder(folder: Path, mode: int = 0o755, account: Account | None = None) -> Path:
    """The folder, made with its parents where missing, with this mode whatever the umask says."""
    for each in reversed((folder, *folder.parents)):
        if not each.exists():
            each.mkdir()
            each.chmod(0o755)
    folder.chmod(mode)
    if account:
        os.chown(folder, account.user_id, account.group_id)
    return folder


def cache_folder() -> Path:
    """Where unpacked servers are kept between starts."""
    named = os.environ.get("TONNE_CACHE")
    return made_folder(Path(named).resolve() if named else STATE / "cache")


def write_private(path: Path, text: str, account: Account | None = None) -> Path:
    """Writes a file that only its owner can read; readers see the old text or the new, never a half."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    if account:
        os.chown(new, account.user_id, account.group_id)
    return new.replace(path)


def remove_data(folder: Path) -> None:
    """Removes what a stack left in its folder and in the folder's stand-ins; there is no way back."""
    for server in ("postgres", "rabbitmq"):
        shutil.rmtree(reachable_place(folder, account_for(server)), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def require_room(folder: Path) -> None:
    """Raises DiskFullError unless 500 MB are free."""
    free = shutil.disk_usage(folder).free
    if free < _FREE_BYTES_MIN:
        raise DiskFullError(
            f"Only {free >> 20} MB are free at {folder}, 500 MB are needed",
            "free some disk space, or deploy/tonne reset",
        )
