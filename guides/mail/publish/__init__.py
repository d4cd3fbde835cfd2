"""Account -> what a mail client reads by itself: autoconfig, Autodiscover, Apple profiles, PACC, DNS records.

Everything is written by serializers; nothing here knows whether a mailbox exists, and nothing takes a password.
"""
