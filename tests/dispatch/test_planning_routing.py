"""The routing model comes to the same end on every machine, however busy."""

from __future__ import annotations

from dispatch.planning.routing import search_parameters

DAY_S = 86_400


def test_no_limit_of_the_search_is_one_of_the_clock() -> None:
    parameters = search_parameters(40)
    limits_s = {
        field.name: getattr(parameters, field.name).ToSeconds()
        for field in parameters.DESCRIPTOR.fields
        if field.message_type is not None
        and field.message_type.full_name == "google.protobuf.Duration"
        and parameters.HasField(field.name)
    }
    # What is not set does not count.  By OR-Tools' own default a neighbour has 0.1 s.
    assert {name: limit_s for name, limit_s in limits_s.items() if limit_s < DAY_S} == {}
    assert parameters.solution_limit == 40
