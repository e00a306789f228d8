"""Whatever people do of an evening, the checker finds nothing wrong with what the engine wrote."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from test_courier_evenings import CourierEvening
from test_late_properties import Blackout
from test_stock_properties import Shops

from simulations.audits.audit import audit


@pytest.mark.soak
@pytest.mark.parametrize("machine", [CourierEvening, Blackout, Shops])
def test_no_evening_has_a_breach(machine: type[RuleBasedStateMachine]) -> None:
    audited = 0

    class Audited(machine):  # type: ignore[valid-type, misc]
        def teardown(self) -> None:
            nonlocal audited
            found = audit(self.town.log.entries, is_live=True)
            # In this town nobody needs time for a way.
            assert [breach for breach in found if "m farther" not in breach] == []
            audited += 1
            super().teardown()

    run_state_machine_as_test(
        Audited,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert audited >= 60
