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
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without those that look alike


class Command(BaseCommand):
    """`manage.py staff_account`"""

    help = "Creates the account “admin” with a random password and prints it once, if there is no staff account yet."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Do nothing when somebody can sign in already, or when an operator took the account's rights away."""
        users = get_user_model()._default_manager
        with transaction.atomic():
            if users.filter(Q(is_staff=True) | Q(username=NAME)).exists():
                return
            password = "-".join("".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(4))
            users.create_superuser(NAME, password=password)
        self.stdout.write(
            f"\nA staff account was made. It is shown only now:\n"
            f"  address   /{settings.ADMIN_PATH}/\n"
            f"  name      {NAME}\n"
            f"  password  {password}\n"
        )
