"""What every request to a service of ours says, whoever sends it."""

from __future__ import annotations


def headers_for(api_key: str | None, zone_id: str | None) -> dict[str, str]:
    """Return the headers of every request: whose key it is, and which of their zones is meant."""
    key = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
    return key if zone_id is None else {**key, "Samehour-Zone": zone_id}
