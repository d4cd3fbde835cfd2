"""Apple profiles: the page that gives one, the profile itself, and the QR code for going on with the phone."""

from __future__ import annotations

import io

import segno
from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from guides.forms import AddressField, AddressForm
from guides.mail.accounts import Address, AddressError, Protocol, Server, UsernameForm, display_domain
from guides.mail.publish import mobileconfig
from guides.mail.publish.mobileconfig import ProfileWords
from guides.mail.publish.offer import Offer
from guides.models import Provider
from guides.services import publishing
from guides.services.offers import offer_of
from guides.views import labels
from guides.views.client_configuration import CACHEABLE, machine, not_served, plain
from guides.views.page_cache import cached_page
from guides.views.portal_urls import base_url, has_profile, portal_name_in_net
from guides.views.visitor import VisitorContext, language


class ProfileForm(AddressForm):
    """The address that a profile is made for; it must be at the page's domain."""

    def __init__(self, data: object = None, *, provider: Provider, protocols: tuple[Protocol, ...]) -> None:
        super().__init__(data)
        self._provider = provider
        self.fields["address"] = AddressField(label=self.fields["address"].label, widget=self.fields["address"].widget)
        self.fields["protocol"] = forms.ChoiceField(
            label=gettext_lazy("Receive mail by"),
            choices=[(protocol.value, protocol.name) for protocol in protocols],
            required=False,
            error_messages={"invalid_choice": gettext_lazy("The provider does not offer this. Choose from the list.")},
        )

    def clean_address(self) -> Address:
        """Settings of one provider are of no use for another's mailbox."""
        address: Address = self.cleaned_data["address"]
        if not _is_at(address, self._provider):
            raise forms.ValidationError(
                _("This address is not at %(provider)s. Start anew with it on the home page."),
                code="other_domain",
                params={"provider": self._provider.name},
            )
        return address


@require_safe
@cached_page()
def page(request: HttpRequest, domain: str) -> HttpResponse:
    """Steps for iPhone, iPad and Mac, with the form that gives the profile. The page itself holds no address."""
    ascii_domain = publishing.domain_or_none(domain)
    provider = publishing.provider_to_publish(ascii_domain, own_only=False) if ascii_domain else None
    if provider is None or ascii_domain is None:
        raise Http404
    if ascii_domain != domain:
        return redirect("apple", ascii_domain)
    return _page(request, provider, ascii_domain)


@require_safe
def qr(request: HttpRequest, domain: str) -> HttpResponse:
    """The code for the phone's camera: the page's own address, and nobody's mail address."""
    ascii_domain = publishing.domain_or_none(domain)
    if ascii_domain is None or publishing.provider_to_publish(ascii_domain, own_only=False) is None:
        raise Http404
    return _qr_of(_page_url(request, ascii_domain))


@require_safe
def settings_qr(request: HttpRequest, domain: str) -> HttpResponse:
    """The same for the page of a domain's settings, to go on with on another device."""
    ascii_domain = publishing.domain_or_none(domain)
    if ascii_domain is None:
        raise Http404
    return _qr_of(request.build_absolute_uri(reverse("settings-domain", args=[ascii_domain])))


def _qr_of(url: str) -> HttpResponse:
    code = segno.make(url, error="m", micro=False)
    picture = io.BytesIO()
    # Light modules are drawn too: on a dark page a code without them cannot be read.
    code.save(
        picture, kind="svg", border=4, scale=4, dark="#000", light="#fff", xmldecl=False, svgclass=None, lineclass=None
    )
    response = HttpResponse(picture.getvalue(), content_type="image/svg+xml")
    response["Cache-Control"] = CACHEABLE
    return response


@machine("GET", "HEAD", "POST")
def profile(request: HttpRequest, domain: str) -> HttpResponse:
    """The profile: by POST from the page's form, which keeps the address out of URLs, or by GET for a domain."""
    ascii_domain = publishing.domain_or_none(domain)
    provider = publishing.provider_to_publish(ascii_domain, own_only=False) if ascii_domain else None
    if provider is None or ascii_domain is None:
        return not_served()
    chosen = request.POST.get("language", "") or language()
    with translation.override(chosen if chosen in dict(settings.LANGUAGES) else language()):
        return (
            _posted(request, provider, ascii_domain)
            if request.method == "POST"
            else _got(request, provider, ascii_domain)
        )


def _posted(request: HttpRequest, provider: Provider, domain: str) -> HttpResponse:
    offer = offer_of(provider, domain)
    form = ProfileForm(request.POST, provider=provider, protocols=offer.password_protocols)
    if not form.is_valid() or not offer.password_protocols:
        return _page(request, provider, domain, form)
    protocol = Protocol(form.cleaned_data["protocol"] or offer.password_protocols[0])
    return _given(request, offer, protocol, form.cleaned_data["address"])


def _got(request: HttpRequest, provider: Provider, domain: str) -> HttpResponse:
    offer = offer_of(provider, domain)
    wanted = request.GET.get("protocol", "") or next((each.value for each in offer.password_protocols), "")
    if wanted not in offer.password_protocols:
        return plain("There is no profile for this: no password can be used, or not with this protocol.", 404)
    address = None
    if "address" in request.GET:
        try:
            address = Address.parse(request.GET["address"])
        except AddressError as error:
            return plain(f"This is not a mail address ({error.fault}).", 422)
        if not _is_at(address, provider):
            return plain("This address is not at this domain.", 422)
    return _given(request, offer, Protocol(wanted), address)


def _given(request: HttpRequest, offer: Offer, protocol: Protocol, address: Address | None) -> HttpResponse:
    words = ProfileWords(
        title=_("Mail: %(provider)s") % {"provider": offer.name},
        description=_("Sets up the mail account in Mail. It holds no password; the device asks for it."),
        organization=settings.PORTAL_NAME,
    )
    if address is not None:
        offer = Offer(offer.account.with_address(address), offer.domains)
    body = mobileconfig.write(offer, protocol, address, words, portal_name_in_net(request))
    if settings.PROFILE_SIGNER is not None:
        body = settings.PROFILE_SIGNER.sign(body)
    response = HttpResponse(body, content_type=mobileconfig.CONTENT_TYPE)
    response["Cache-Control"] = "no-store"
    return response


def _page(request: HttpRequest, provider: Provider, domain: str, form: ProfileForm | None = None) -> HttpResponse:
    request.page_path = reverse("apple", args=[domain])  # type: ignore[attr-defined]
    offer = offer_of(provider, domain)
    protocols = offer.password_protocols
    form = form or ProfileForm(provider=provider, protocols=protocols)
    visitor = VisitorContext.load(domain)
    context = {
        "visitor": visitor,
        "form": form,
        "is_possible": has_profile(visitor),
        "asks_protocol": len(protocols) > 1,
        "asks_username": any(_asks_username(offer.with_password(each)) for each in (*protocols, Protocol.SMTP)),
        "password": labels.PASSWORDS[visitor.account.password],
        "is_signed": settings.PROFILE_SIGNER is not None,
        "page_url": _page_url(request, domain),
        "shown_domain": display_domain(domain),
    }
    return render(request, "apple.html", context, status=422 if form.errors else 200)


def _asks_username(server: Server | None) -> bool:
    """Whether only the visitor knows the user name, so that a profile leaves it out and the device asks for it."""
    return server is not None and server.username is UsernameForm.OTHER and not server.username_template


def _page_url(request: HttpRequest, domain: str) -> str:
    return base_url(request) + reverse("apple", args=[domain])


def _is_at(address: Address, provider: Provider) -> bool:
    found = publishing.provider_to_publish(address.domain, own_only=False)
    return found is not None and found.pk == provider.pk
