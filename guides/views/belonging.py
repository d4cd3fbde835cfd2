"""What is known of the servers that a visitor typed in: whose they are, and who says which user name they want."""

from __future__ import annotations

from guides.mail.discovery.findings import Source
from guides.views.readers import Reader

# Sources that say which user name a server wants. The settings that the mail exchangers lead to come from the table,
# a file or the ISPDB as well; names alone, Autodiscover and guesses say nothing of it.
_STATING = frozenset({Source.TABLE, Source.AUTOCONFIG, Source.WELL_KNOWN, Source.ISPDB, Source.MX})


def stated_hosts(reader: Reader) -> frozenset[str]:
    """Hosts of which somebody says which form of user name they want."""
    if reader.discovery is None:
        return frozenset(server.host for server in reader.account.servers)
    return frozenset(
        server.host for finding in reader.discovery.findings if finding.source in _STATING for server in finding.servers
    )
