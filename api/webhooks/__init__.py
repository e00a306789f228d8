"""Webhooks by the Standard Webhooks scheme: events of the log, told to whoever is called."""
