"""The same engine under another clock."""
