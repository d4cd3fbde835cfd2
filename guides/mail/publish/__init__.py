"""Account -> automatic configuration of mail clients: autoconfig, Autodiscover, Apple profiles, PACC, DNS records.

Nothing here knows whether a mailbox exists, and nothing accepts a password.
"""
