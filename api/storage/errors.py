"""What can go wrong with the ledger.

* LedgerError                 base; the message names the ledger and the remedy
  * LedgerInUseError          another process writes to it
  * LedgerFailedError         a write did not succeed: the log is behind what was decided
"""

from __future__ import annotations


class LedgerError(Exception):
    """The ledger cannot be used."""

    code = "ledger_unusable"


class LedgerInUseError(LedgerError):
    """Another process holds the ledger: a zone has one dispatcher."""

    code = "ledger_in_use"


class LedgerFailedError(LedgerError):
    """A write failed; nothing after it may be answered as done."""

    code = "ledger_failed"
