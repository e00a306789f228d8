"""What answers look like: for the API document and for the type checker, never for the run.

The views build plain dictionaries; the shapes here say which keys they have, `mypy` holds the views
to them, and the document shows them to whoever integrates.  Nothing is checked while serving.

Keys that may be null are written with `| None`, keys that may be missing with `NotRequired`.
"""
