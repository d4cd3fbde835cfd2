"""The site as Django sees it: its deployment checks, and the admin that staff use."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.core import checks


class SiteConfig(AppConfig):
    """What belongs to the whole site, and to none of its pages."""

    name = "helpdesk"

    def ready(self) -> None:
        """Add the checks of `manage.py check --deploy`."""
        from helpdesk import proxies  # reads settings

        checks.register(proxies.check, checks.Tags.security, deploy=True)


class StaffConfig(AdminConfig):
    """Django's admin with the site's own notices."""

    default_site = "helpdesk.staff_site.StaffSite"
