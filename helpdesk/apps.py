"""The site as Django sees it: its deployment checks, and the admin that staff use."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.contrib.auth.signals import user_logged_in
from django.core import checks


class SiteConfig(AppConfig):
    """What belongs to the whole site, and to none of its pages."""

    name = "helpdesk"

    def ready(self) -> None:
        """Add the checks of `manage.py check --deploy`, the limit of staff's sessions, the watch on SQLite's file."""
        from helpdesk import proxies, sign_in, sqlite_file  # they read settings

        user_logged_in.connect(sign_in.log_signed_in, dispatch_uid="staff's sign-ins")
        user_logged_in.connect(sign_in.end_session_after_limit, dispatch_uid="end of staff's sessions")
        sqlite_file.watch()
        checks.register(proxies.check, checks.Tags.security, deploy=True)


class StaffConfig(AdminConfig):
    """Django's admin with the site's own notices."""

    default_site = "helpdesk.staff_site.StaffSite"
