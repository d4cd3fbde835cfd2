"""What visitors who come at the same time share, and how a mail server is spared (docs/decisions/0005-...)."""
