"""Make the first staff account, so that somebody can sign in to a new portal."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction
from django.db.models import Q

NAME = "admin"
FILE = "first-password"  # not on the output, which container platforms and service managers keep
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without those that look alike


class Command(BaseCommand):
    """`manage.py staff_account`"""

    help = (
        "Creates the account “admin”, with a random password in a file of DATA_DIR, if there is no staff account yet."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Do nothing when somebody can sign in already, or when an operator took the account's rights away."""
        users = get_user_model()._default_manager
        with transaction.atomic():
            if users.filter(Q(is_staff=True) | Q(username=NAME)).exists():
                self._forget()
                return
            password = "-".join("".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(4))
            users.create_superuser(NAME, password=password)
            path = settings.DATA_DIR / FILE
            path.unlink(missing_ok=True)
            path.touch(mode=0o600)
            path.write_text(f"{password}\n", encoding="ascii")
        self.stdout.write(
            f"\nA staff account was made. Change its password after signing in:\n"
            f"  address   /{settings.ADMIN_PATH}/\n"
            f"  name      {NAME}\n"
            f"  password  in the file {path}\n"
        )

    def _forget(self) -> None:
        """Remove the file once it holds no password any more: it was changed, or the account is gone."""
        path = settings.DATA_DIR / FILE
        if not path.exists():
            return
        account = get_user_model()._default_manager.filter(username=NAME).first()
        if account is None or not account.check_password(path.read_text(encoding="ascii").strip()):
            path.unlink()
