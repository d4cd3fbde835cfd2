"""A PostgreSQL cluster of the tests' own: made in a temporary directory, on a loopback port, by a user without rights."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

PROGRAMS = Path("/usr/lib/postgresql")
SYSTEM_USER = "postgres"  # Debian's package makes it; the server refuses to run as root
START_SECONDS = 60


class PostgreSQL(AbstractContextManager["PostgreSQL"]):
    """Started on entering, stopped and removed on leaving."""

    user = "helpdesk"

    def __enter__(self) -> PostgreSQL:
        versions = sorted(PROGRAMS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        if not versions:
            raise RuntimeError("PostgreSQL is missing; `make test` installs it, or: apt-get install postgresql")
        self.programs = versions[-1].parent
        self.password = secrets.token_urlsafe(18)
        self.folder = Path(tempfile.mkdtemp(prefix="helpdesk-postgresql-"))
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _start(self) -> None:
        password = self.folder / "password"
        password.write_text(self.password)
        if os.geteuid() == 0:
            owner = pwd.getpwnam(SYSTEM_USER)
            for path in (self.folder, password):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._run(
            "initdb", "--pgdata=data", f"--username={self.user}", "--pwfile=password", "--auth=scram-sha-256",
            "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        self.start()

    def start(self) -> None:
        """Start the server, on the same port as before."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self._run(
            "pg_ctl",
            "--pgdata=data",
            "--log=log",
            f"--options={options}",
            "--wait",
            f"--timeout={START_SECONDS}",
            "start",
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder)

    def stop(self) -> None:
        """End the server at once; its data are kept."""
        self._run("pg_ctl", "--pgdata=data", "--mode=immediate", "--wait", "stop")

    def url(self, database: str = "postgres") -> str:
        """What `DATABASE_URL` wants."""
        return f"postgres://{self.user}:{self.password}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """An empty database; returns its address."""
        self._run("createdb", "--host=127.0.0.1", f"--port={self.port}", f"--username={self.user}", database)
        return self.url(database)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and to each process of a connection: SIGSTOP lets all of them hang."""
        server = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        for process in (server, *map(int, children)):
            os.kill(process, number)

    def _run(self, program: str, *arguments: str) -> None:
        as_user = {"user": SYSTEM_USER, "group": SYSTEM_USER, "extra_groups": []} if os.geteuid() == 0 else {}
        # A server inherits what it is given and outlives this call: nothing may wait for the end of a pipe.
        with tempfile.TemporaryFile() as output:
            ended = subprocess.run(
                [str(self.programs / program), *arguments],
                cwd=self.folder,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PGPASSWORD": self.password},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                check=False,
                **as_user,  # type: ignore[call-overload]
            )
            output.seek(0)
            assert ended.returncode == 0, f"{program}: {output.read().decode()}"
