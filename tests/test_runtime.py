"""What a process shares: the egress follows the settings, the loop is one."""

from __future__ import annotations

import ipaddress

import pytest
from django.test import override_settings

from guides.mail.network import HostForbidden, PortForbidden, check_host
from guides.runtime import background_loop, egress


def test_the_egress_is_made_once_of_the_settings() -> None:
    assert egress() is egress()
    assert egress().config.allowed_networks == ()
    with override_settings(
        ALLOWED_NETWORKS=(ipaddress.ip_network("127.0.0.0/8"),),
        ALLOWED_PORTS=frozenset({10143}),
        ALLOWED_SUFFIXES=frozenset({"test"}),
        DNS_SERVERS=(("127.0.0.1", 5353),),
        EHLO_NAME="portal.example.com",
    ):
        config = egress().config
        egress().check_port(10143)
        assert check_host("imap.test", config.allowed_suffixes) == "imap.test"
        assert config.dns_servers == (("127.0.0.1", 5353),)
        assert config.ehlo_name == "portal.example.com"
        assert config.allowed_networks == (ipaddress.ip_network("127.0.0.0/8"),)
    with pytest.raises(PortForbidden):
        egress().check_port(10143)
    with pytest.raises(HostForbidden):
        check_host("imap.test", egress().config.allowed_suffixes)


def test_the_loop_is_one() -> None:
    assert background_loop() is background_loop()
