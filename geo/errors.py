"""What can go wrong with places and roads.

* GeoError                    base; `code` is stable
  * CityError                 a city on disk, or the input it is built from, is unusable
  * PlaceError                a point cannot be used
    * TooFarFromRoadError     no usable road near enough
  * NoRouteError              two usable points without a way between them
  * UnknownModeError          the network has no such mode
  * InvalidOpeningHoursError  a text that is not in OpenStreetMap's grammar
  * UnknownTimeZoneError      a name the time zone database does not have
"""

from __future__ import annotations


class GeoError(Exception):
    """Base of every error of this room; the message names the offender and the remedy."""

    code = "geo_error"


class CityError(GeoError):
    """A city on disk, or the input it should be built from, is unusable."""

    code = "city_unusable"


class PlaceError(GeoError):
    """A point is not a place on this map."""

    code = "place_unusable"


class TooFarFromRoadError(PlaceError):
    """No road of the mode is near enough; the message states the distance."""

    code = "too_far_from_road"


class NoRouteError(GeoError):
    """Both points are on the network, but no way leads from one to the other."""

    code = "no_route"


class UnknownModeError(GeoError):
    """The network was not built for this mode."""

    code = "unknown_mode"


class InvalidOpeningHoursError(GeoError):
    """A text that is not in OpenStreetMap's opening hours grammar."""

    code = "invalid_opening_hours"


class UnknownTimeZoneError(GeoError):
    """A name that the time zone database does not have."""

    code = "unknown_time_zone"
