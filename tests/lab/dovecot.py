"""Dovecot's configuration in the lab: IMAP and POP3 for all hosts, and the password check for Postfix."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from pathlib import Path

from tests.lab.hosts import REAL, Host, Ports
from tests.lab.people import PEOPLE

PROGRAM = Path("/usr/sbin/dovecot")
TOKEN_KEY = secrets.token_bytes(32)
MAIL_USER, MAIL_GROUP = "nobody", "nogroup"
FULL_MESSAGE = b"From: lab@lab.test\r\nTo: full@lab.test\r\nSubject: large\r\n\r\n" + b"full to the brim\r\n" * 600

CONFIGURATION = """\
base_dir = {directory}/run
state_dir = {directory}/state
instance_name = {directory}
log_path = {directory}/dovecot.log
log_timestamp = "%Y-%m-%d %H:%M:%S "
protocols = imap pop3
listen = {listen}
shutdown_clients = yes

service imap-login {{
  inet_listener imap {{
    port = {ports.imap}
  }}
  inet_listener imaps {{
    port = {ports.imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {ports.pop3}
  }}
  inet_listener pop3s {{
    port = {ports.pop3s}
    ssl = yes
  }}
}}
service auth {{
  unix_listener {directory}/auth {{
    mode = 0666
  }}
}}
service quota-status {{
  executable = quota-status -p postfix
  client_limit = 1
  unix_listener {directory}/quota {{
    mode = 0666
  }}
}}
# Wrong passwords are answered at once here; Dovecot's own delay grows to 15 seconds for an address.
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}

ssl = yes
ssl_cert = <{directory}/certificates/good.pem
ssl_key = <{directory}/certificates/good.pem
disable_plaintext_auth = yes
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 xoauth2 oauthbearer
auth_verbose = yes
login_greeting = Lab ready.

# One line of JSON for each login attempt, of Postfix's too.
event_exporter to_log {{
  format = json
  format_args = time-rfc3339
  transport = log
}}
metric attempts {{
  filter = event=auth_request_finished
  exporter = to_log
  fields = user service mechanism success error
}}

passdb {{
  driver = passwd-file
  deny = yes
  args = username_format=%u {directory}/denied
}}
passdb {{
  driver = passwd-file
  deny = yes
  args = username_format=%u/%s {directory}/shut
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {directory}/oauth2.conf
}}
passdb {{
  driver = passwd-file
  args = username_format=%u {directory}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {directory}/users
  default_fields = uid={user} gid={group}
}}

mail_location = maildir:~/Maildir
mail_plugins = quota
protocol imap {{
  mail_plugins = quota imap_quota
}}
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
  mailbox Junk {{
    auto = create
    special_use = \\Junk
  }}
}}
plugin {{
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:bytes=10485760
  quota_grace = 0
  quota_status_success = DUNNO
  quota_status_nouser = DUNNO
  quota_status_overquota = "552 5.2.2 Mailbox is full"
}}
"""

# Tokens are JWTs (RFC 7519) that Dovecot checks by itself; `Lab.token` makes them.
OAUTH2 = """\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={directory}/tokens/
username_attribute = sub
active_attribute = active
active_value = yes
"""

CERTIFICATE = """\
local {address} {{
  ssl_cert = <{directory}/certificates/{kind}.pem
  ssl_key = <{directory}/certificates/{kind}.pem
}}
"""

NO_STARTTLS = """\
local {address} {{
  ssl = no
}}
"""


def write_configuration(directory: Path, addresses: Mapping[Host, str], ports: Ports) -> Path:
    """Write Dovecot's files below `directory` and return the path of the main one."""
    parts = [
        CONFIGURATION.format(
            directory=directory,
            listen=", ".join(addresses[host] for host in REAL),
            ports=ports,
            user=MAIL_USER,
            group=MAIL_GROUP,
        )
    ]
    for host in REAL:
        template = CERTIFICATE if host.certificate else NO_STARTTLS
        parts.append(template.format(address=addresses[host], directory=directory, kind=host.certificate))
    main = directory / "dovecot.conf"
    main.write_text("".join(parts))
    (directory / "oauth2.conf").write_text(OAUTH2.format(directory=directory))
    key = directory / "tokens" / "default" / "HS256" / "default"
    key.parent.mkdir(parents=True)
    key.write_bytes(base64.b64encode(TOKEN_KEY))
    mail = directory / "mail"
    _write_lines(
        directory / "users",
        [person.passwd_line("/proc/nowhere" if person.broken else str(mail / person.name)) for person in PEOPLE],
    )
    _write_lines(directory / "denied", [f"{person.username}:" for person in PEOPLE if person.denied])
    _write_lines(
        directory / "shut", [f"{person.username}/{service}:" for person in PEOPLE for service in person.shut_at]
    )
    return main


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def make_mailboxes(directory: Path) -> list[list[str]]:
    """Make every person's mail folder and fill those that are full; return what must belong to the mail user."""
    made = []
    for person in PEOPLE:
        if not person.broken:
            home = directory / "mail" / person.name
            folders = [home, home / "Maildir", *(home / "Maildir" / name for name in ("cur", "new", "tmp"))]
            for folder in folders:
                folder.mkdir(parents=True)
            if person.quota:
                message = home / "Maildir" / "new" / f"1700000000.M1P1.lab,S={len(FULL_MESSAGE)}"
                message.write_bytes(FULL_MESSAGE)
                folders.append(message)
            made += folders
    return [[str(path), MAIL_USER, MAIL_GROUP] for path in made]
