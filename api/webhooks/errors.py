"""What can go wrong with a webhook.

* WebhookError                base; the message names the offender and the remedy
  * TargetRefusedError        the address is none that is called
"""

from __future__ import annotations


class WebhookError(Exception):
    """A webhook cannot be sent."""

    code = "webhook_unusable"


class TargetRefusedError(WebhookError):
    """An address that is not called: not public, or not by the rules."""

    code = "webhook_url_refused"
