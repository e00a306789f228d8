from __future__ import annotations
def partition(search):
    return None
