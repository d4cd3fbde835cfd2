"""Django's backend for PostgreSQL with a limit on how long a page waits for a server that hangs."""
