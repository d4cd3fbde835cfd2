"""A server that hangs up and has said why is heard."""

import asyncio

import pytest

from guides.mail.accounts import Address
from guides.mail.connection.channel import Channel, ChannelFault
from guides.mail.connection.limits import Limits
from guides.mail.connection.pop3 import Pop3Session
from guides.mail.connection.session import Refusal


class GoneChannel(Channel):
    """A connection that the server has closed; what it sent before is still to be read."""

    def __init__(self, cause: str, *unread: bytes) -> None:
        self.cause, self.unread = cause, list(unread)

    async def write(self, data: bytes, seconds: float | None = None) -> None:
        raise ChannelFault(self.cause, b"\r\n".join(self.unread))

    async def read_line(self, seconds: float) -> bytes:
        return self.unread.pop(0)


def session(channel: Channel) -> Pop3Session:
    return Pop3Session(channel, Limits(), Address("anna", "example.net"), "portal.example.net")


@pytest.mark.parametrize("cause", ["net.closed", "net.reset"])
def test_the_last_words_of_a_server_are_its_answer(cause: str) -> None:
    """Dovecot does so when a mailbox cannot be opened: `+OK Logged in.`, `-ERR [SYS/TEMP] ...`, and gone."""
    with pytest.raises(Refusal) as caught:
        asyncio.run(session(GoneChannel(cause, b"-ERR [SYS/TEMP] Internal error occurred.")).open())
    assert caught.value.cause == "mbox.temp"


@pytest.mark.parametrize(("cause", "unread"), [("net.closed", ()), ("net.timeout", (b"-ERR late",))])
def test_without_last_words_it_is_the_connection_that_failed(cause: str, unread: tuple[bytes, ...]) -> None:
    with pytest.raises(ChannelFault) as caught:
        asyncio.run(session(GoneChannel(cause, *unread)).open())
    assert caught.value.cause == cause
