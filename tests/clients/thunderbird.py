"""Debian's Thunderbird, headless, driven over Marionette: its own code looks settings up, as its account setup does."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.portal import free_port

PROGRAM = Path("/usr/bin/thunderbird")
START_SECONDS = 60

# What the account setup calls; the answer as plain values.
LOOK_UP = """
const [address, resolve] = [arguments[0], arguments[arguments.length - 1]];
(async () => {
  const { FindConfig } = ChromeUtils.importESModule("resource:///modules/accountcreation/FindConfig.sys.mjs");
  const { AccountConfig } = ChromeUtils.importESModule("resource:///modules/accountcreation/AccountConfig.sys.mjs");
  const search = FindConfig.parallelAutoDiscovery(address.split("@")[1], address, new AbortController().signal);
  const { value: config } = await search.next();
  if (!config) return null;
  AccountConfig.replaceVariables(config, "Anna", address);
  const plain = server => ({
    type: server.type, hostname: server.hostname, port: server.port,
    socketType: server.socketType, auth: server.auth, username: server.username,
  });
  return {
    source: config.subSource, id: config.id, displayName: config.displayName, domains: config.domains,
    incoming: [config.incoming, ...config.incomingAlternatives].map(plain),
    outgoing: [config.outgoing, ...config.outgoingAlternatives].map(plain),
  };
})().then(resolve, error => resolve({ error: String(error), stack: error.stack }));
"""

TRUST = """
Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).addCertFromBase64(arguments[0], "C,C,C");
"""


class Thunderbird(AbstractContextManager["Thunderbird"]):
    """One process with a profile of its own. Every name leads to `web`, an address on loopback."""

    def __init__(self, folder: Path, web: str, preferences: dict[str, str | int | bool]) -> None:
        self.folder = folder
        self.port = free_port()
        self._preferences: dict[str, str | int | bool] = {
            "marionette.port": self.port,
            "network.dns.forceResolve": web,
            "app.update.enabled": False,
            "datareporting.policy.dataSubmissionEnabled": False,
            "mail.provider.enabled": False,
            "mail.spotlight.firstRunDone": True,
            "mail.winsearch.firstRunDone": True,
            "mailnews.start_page.enabled": False,
            **preferences,
        }
        self._number = 0

    def __enter__(self) -> Thunderbird:
        profile = self.folder / "profile"
        profile.mkdir(parents=True)
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in self._preferences.items()]
        (profile / "user.js").write_text("\n".join(lines) + "\n")
        self._log = (self.folder / "thunderbird.log").open("wb")
        self._process = subprocess.Popen(
            [
                str(PROGRAM),
                "--headless",
                "--marionette",
                "--remote-allow-system-access",
                "--no-remote",
                "--profile",
                str(profile),
            ],
            env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin", "MOZ_HEADLESS": "1", "LANG": "C.UTF-8"},
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            self._connect()
            self._command("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {}}})
            self._command("Marionette:SetContext", {"value": "chrome"})
            self._command("WebDriver:SetTimeouts", {"script": 60_000})
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process."""
        if hasattr(self, "_reader"):
            self._reader.close()
        if hasattr(self, "_socket"):
            self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._log.close()

    def trust(self, certificate: str) -> None:
        """Trust a certification authority; `certificate` is PEM."""
        inner = "".join(line for line in certificate.splitlines() if not line.startswith("-----"))
        self._command("WebDriver:ExecuteScript", {"script": TRUST, "args": [inner], "sandbox": "system"})

    def look_up(self, address: str) -> dict[str, Any]:
        """What the account setup finds for an address; raises AssertionError when it finds nothing."""
        script = {"script": LOOK_UP, "args": [address], "sandbox": "system"}
        found: dict[str, Any] | None = self._command("WebDriver:ExecuteAsyncScript", script)["value"]
        assert found is not None, f"Thunderbird found nothing for {address}"
        assert "error" not in found, found
        return found

    def _connect(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self._process.poll() is None, (self.folder / "thunderbird.log").read_text(errors="replace")
            try:
                self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=90)
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, "Thunderbird's Marionette does not listen"
                time.sleep(0.2)
        self._reader = self._socket.makefile("rb")
        self._message()  # its greeting

    def _command(self, name: str, parameters: dict[str, Any]) -> Any:
        self._number += 1
        body = json.dumps([0, self._number, name, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(body), body))
        _kind, number, error, result = self._message()
        assert number == self._number
        assert error is None, error
        return result

    def _message(self) -> Any:
        length = b""
        while (char := self._reader.read(1)) != b":":
            assert char, "Thunderbird hung up"
            length += char
        return json.loads(self._reader.read(int(length)))
