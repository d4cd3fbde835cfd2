"""Pages that know the device: the first card after the address, and one cached page for each device."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory

from guides.models import Provider
from guides.views.devices import GUIDES, TITLES, Device, device_of
from tests.factories import make_client, make_guide, make_notice, make_provider

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari"
IPAD = "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 Version/12.1 Mobile/15E148 Safari/604.1"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15"
LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
STEPS = """
::: steps
::: step {#open} Open it
Tap this.
::: end
::: step {#close} Close it
Tap that.
::: end
::: end
"""


@pytest.mark.parametrize(
    ("agent", "hint", "device"),
    [
        (IPHONE, "", Device.IPHONE),
        (IPAD, "", Device.IPAD),
        (ANDROID, "", Device.ANDROID),
        (WINDOWS, "", Device.WINDOWS),
        (MAC, "", Device.MAC),
        (LINUX, "", Device.LINUX),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140", '"Android"', Device.ANDROID),  # "desktop site" on a phone
        (WINDOWS, '"Something new"', Device.WINDOWS),
        ("curl/8", "", Device.UNKNOWN),
        ("", "", Device.UNKNOWN),
        ("\x00" * 5000, '"' * 5000, Device.UNKNOWN),
    ],
)
def test_a_device_is_one_of_a_few(agent: str, hint: str, device: Device) -> None:
    headers = {"User-Agent": agent, "Sec-CH-UA-Platform": hint}
    assert device_of(RequestFactory().get("/", headers=headers)) is device


def test_every_device_has_a_guide_and_a_name() -> None:
    assert set(GUIDES) == set(TITLES) == set(Device) - {Device.UNKNOWN}


@pytest.fixture
def shelf(db: None) -> None:
    make_provider(name="Example Mail")
    for slug in ("ios-mail", "outlook"):
        make_guide(slug, client=make_client(slug), body=STEPS)


def page(client: Client, agent: str) -> str:
    return client.get("/en/settings/example.net/", headers={"User-Agent": agent}).content.decode()


@pytest.mark.usefixtures("shelf")
def test_the_first_card_is_the_guide_for_the_device_with_its_first_step(client: Client) -> None:
    make_notice(Provider.objects.get(), title="First switch it on")
    html = page(client, IPHONE)
    card = html.split('class="card first-guide"')[1].split("</section>")[0]
    assert "Example Mail on your iPhone" in card
    assert "2 steps" in card
    assert "Tap this." in card
    assert "Tap that." not in card
    assert 'href="/en/guides/ios-mail/?at=example.net"' in card
    assert html.index("First switch it on") < html.index("Tap this.") < html.index("imap.example.net")
    assert "Example Mail on your Windows computer" in page(client, WINDOWS)  # not the iPhone's page from the cache
    assert "Example Mail on your iPhone" in page(client, IPHONE)


@pytest.mark.usefixtures("shelf")
def test_a_device_that_is_unknown_or_has_no_guide_sees_all_guides(client: Client) -> None:
    for agent in ("curl/8", ANDROID):
        html = page(client, agent)
        assert "first-guide" not in html
        assert 'href="/en/guides/ios-mail/?at=example.net"' in html


@pytest.mark.usefixtures("shelf")
def test_caches_outside_are_told_what_the_page_depends_on(client: Client) -> None:
    response = client.get("/en/settings/example.net/", headers={"User-Agent": IPHONE})
    assert {"User-Agent", "Sec-CH-UA-Platform"} <= {name.strip() for name in response["Vary"].split(",")}


@pytest.mark.usefixtures("shelf")
def test_the_code_of_a_settings_page_holds_its_own_address(client: Client) -> None:
    response = client.get("/en/settings/example.net/qr.svg")
    assert response["Content-Type"] == "image/svg+xml"
    assert client.get("/en/settings/xn--/qr.svg").status_code == 404
