"""Start the lab, print the portal's settings for it, and stay until Ctrl-C.

python -m tests.lab            in one terminal; paste what it prints into the other, then `make run` there
python -m tests.lab --logs     also follow what Dovecot and Postfix say
"""

from __future__ import annotations

import argparse
import shlex
import signal
import subprocess
import sys

from tests.lab import Lab, LabError
from tests.lab.hosts import HOSTS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    parser.add_argument("--logs", action="store_true", help="follow the servers' logs")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Lab() as lab:
            describe(lab)
            try:
                if options.logs:
                    logs = [str(lab.directory / name) for name in ("dovecot.log", "postfix.log")]
                    subprocess.run(["tail", "-q", "-n", "+1", "-F", *logs], check=False)
                signal.pause()
            except KeyboardInterrupt:
                print("# stopped")
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def describe(lab: Lab) -> None:
    for name, value in lab.environment().items():
        print(f"export {name}={shlex.quote(value)}")
    ports = lab.ports
    print(f"# IMAP {ports.imaps} (TLS) {ports.imap} (STARTTLS)   POP3 {ports.pop3s} (TLS) {ports.pop3} (STARTTLS)")
    print(f"# SMTP {ports.submissions} (TLS) {ports.submission} (STARTTLS)   files and logs: {lab.directory}")
    print(f"# hosts: {' '.join(name for host in HOSTS for name in host.names)}")
    for person in lab.people.values():
        print(f"# {person.address}  user name {person.username}  password {person.password!r}")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
