"""The WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application

from helpdesk.answers import KeptAnswers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helpdesk.settings")

_django = get_wsgi_application()

from guides.crowd.turns import Turns  # noqa: E402  (it needs the settings, which Django has loaded by now)

application = KeptAnswers(Turns(_django))
