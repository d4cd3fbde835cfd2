"""The WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application

from helpdesk.answers import KeptAnswers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helpdesk.settings")

application = KeptAnswers(get_wsgi_application())
