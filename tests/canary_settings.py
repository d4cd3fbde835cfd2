"""The portal's settings, for a portal that is broken on purpose and writes down all it can (tests/test_canary.py)."""

from helpdesk.settings import *  # noqa: F403
from tests.canary_faults import loud

globals().update(loud(globals()))
