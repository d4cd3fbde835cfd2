"""Postfix's configuration in the lab: submission with STARTTLS and with TLS from the first byte, for all hosts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.lab.hosts import REAL, Host, Ports
from tests.lab.people import DOMAIN, GONE, PEOPLE

PROGRAM = Path("/usr/lib/postfix/sbin/master")
OWNER, QUEUE_GROUP = "postfix", "postdrop"
PRIVATE_FOLDERS = (
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace",
)  # fmt: skip

MAIN = """\
compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/postfix-data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = {owner}
setgid_group = {queue_group}
maillog_file = {directory}/postfix.log
maillog_file_prefixes = {directory}
myhostname = mail.{domain}
mydestination =
mynetworks =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_banner = $myhostname ESMTP Lab
smtpd_client_event_limit_exceptions = 127.0.0.0/8
# Nothing leaves the lab.
default_transport = error:5.4.4 the lab sends nothing to others
relay_transport = $default_transport
local_transport = $default_transport

virtual_mailbox_domains = {domain}
virtual_mailbox_maps = texthash:{directory}/mailboxes
virtual_mailbox_base = {directory}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}

smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_tls_loglevel = 1
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {directory}/auth
smtpd_sasl_security_options = noanonymous
smtpd_sender_login_maps = texthash:{directory}/senders
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_sender_restrictions = check_sender_access texthash:{directory}/mute, reject_sender_login_mismatch
smtpd_recipient_restrictions =
    reject_unlisted_recipient, check_policy_service unix:{directory}/quota, permit_sasl_authenticated, reject
"""

MASTER = """\
cleanup    unix  n  -  n  -     0  cleanup
qmgr       unix  n  -  n  300   1  qmgr
tlsmgr     unix  -  -  n  1000? 1  tlsmgr
rewrite    unix  -  -  n  -     -  trivial-rewrite
bounce     unix  -  -  n  -     0  bounce
defer      unix  -  -  n  -     0  bounce
trace      unix  -  -  n  -     0  bounce
verify     unix  -  -  n  -     1  verify
flush      unix  n  -  n  1000? 0  flush
proxymap   unix  -  -  n  -     -  proxymap
error      unix  -  -  n  -     -  error
retry      unix  -  -  n  -     -  error
discard    unix  -  -  n  -     -  discard
virtual    unix  -  n  n  -     -  virtual
anvil      unix  -  -  n  -     1  anvil
scache     unix  -  -  n  -     1  scache
postlog    unix-dgram n - n  -     1  postlogd
"""

LISTENER = "{address}:{port} inet n - n - - smtpd -o smtpd_tls_chain_files={directory}/certificates/{kind}.pem{more}\n"
NO_STARTTLS = "{address}:{port} inet n - n - - smtpd -o smtpd_tls_security_level=none -o smtpd_tls_auth_only=no\n"


def write_configuration(
    directory: Path, addresses: Mapping[Host, str], ports: Ports, uid: int, gid: int
) -> tuple[Path, list[list[str]]]:
    """Write Postfix's files below `directory`; return their folder and what must belong to Postfix."""
    folder = directory / "postfix"
    folder.mkdir()
    (folder / "main.cf").write_text(
        MAIN.format(directory=directory, owner=OWNER, queue_group=QUEUE_GROUP, domain=DOMAIN, uid=uid, gid=gid)
    )
    lines = [MASTER]
    for host in REAL:
        address = addresses[host]
        if not host.certificate:
            lines.append(NO_STARTTLS.format(address=address, port=ports.submission))
            continue
        for port, more in ((ports.submission, ""), (ports.submissions, " -o smtpd_tls_wrappermode=yes")):
            lines.append(
                LISTENER.format(address=address, port=port, directory=directory, kind=host.certificate, more=more)
            )
    (folder / "master.cf").write_text("".join(lines))
    _write_map(
        directory / "mailboxes",
        {person.address: f"{person.name}/Maildir/{'.Junk/' if person.spammed else ''}" for person in PEOPLE},
    )
    owners = {person.address: person.username for person in PEOPLE}
    _write_map(directory / "senders", owners | {GONE: PEOPLE[0].username})
    _write_map(directory / "mute", {person.address: "REJECT" for person in PEOPLE if not person.may_send})
    return folder, _make_queue(directory)


def _write_map(path: Path, entries: Mapping[str, str]) -> None:
    path.write_text("".join(f"{key} {value}\n" for key, value in entries.items()))


def _make_queue(directory: Path) -> list[list[str]]:
    """Make Postfix's folders, as its own installer would; return what must belong to Postfix."""
    data, queue = directory / "postfix-data", directory / "queue"
    owned = [[str(data), OWNER, OWNER]]
    data.mkdir()
    queue.mkdir()
    (queue / "pid").mkdir()
    for name in PRIVATE_FOLDERS:
        (queue / name).mkdir(mode=0o700)
        owned.append([str(queue / name), OWNER, "root"])
    for name, mode in (("public", 0o2710), ("maildrop", 0o1730)):
        (queue / name).mkdir()
        (queue / name).chmod(mode)
        owned.append([str(queue / name), OWNER, QUEUE_GROUP])
    return owned
