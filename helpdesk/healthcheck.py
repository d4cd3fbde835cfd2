"""The container's health check: `/livez` on this machine, with the standard library alone."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException


def main() -> int:
    """0 when the portal answers, 1 when it does not."""
    connection = HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=4)
    try:
        connection.request("GET", "/livez", headers={"Host": "localhost"})
        return 0 if connection.getresponse().status == 200 else 1
    except (OSError, HTTPException):
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
