"""A small mail provider on loopback, for tests: real Dovecot and Postfix, a DNS server, a certification authority.

`python -m tests.lab` starts it for a portal that is run by hand.
"""

from tests.lab.lab import Attempt, Lab, LabError
from tests.lab.people import DOMAIN, PEOPLE, Person

__all__ = ["DOMAIN", "PEOPLE", "Attempt", "Lab", "LabError", "Person"]
