"""What services of tests have done already when they begin: imported and compiled everything."""

from __future__ import annotations

import api.main  # noqa: F401  what a service imports
from dispatch.planning.warming import warm_up as warm_up_decisions
from geo.warming import warm_up as warm_up_travel_times

warm_up_travel_times()
warm_up_decisions()
