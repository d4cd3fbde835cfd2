"""The WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helpdesk.settings")

_django = get_wsgi_application()

from guides.crowd.turns import Turns  # noqa: E402  (it needs the settings, which Django has loaded by now)

application = Turns(_django)
