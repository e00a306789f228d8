"""One file for each change of the tables; its name is the version of ledgers that have it."""
