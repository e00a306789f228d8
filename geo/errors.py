"""What can go wrong with places and roads.

* GeoError                    base; `code` is stable
  * CityError                 a city on disk, or the input it is built from, is unusable
  * PlaceError                a point cannot be used
    * TooFarFromRoadError     no usable road near enough
  * NoRouteError              two usable points without a way between them
  * UnknownModeError          the network has no such mode
  * QuestionError             a question for travel times that has no answer
    * NoPlacesError           no origins or no destinations
    * MatrixTooLargeError     more pairs than one matrix may have
    * TimeLimitError          a time to travel that is none
  * InvalidOpeningHoursError  a text that is not in OpenStreetMap's grammar
  * UnknownTimeZoneError      a name the time zone database does not have
  * AreaError                 a service area that cannot be used; `pointer` says which part
  * TrafficError              something said about the traffic that cannot be used
    * ObservationError        a speed, a track or a stretch that cannot have been observed
    * ClosureError            a closure without a street, or one that is over already
    * UnknownClosureError     no street is closed under this id
    * ProfileError            a file of speeds by hour of the week that cannot be used
  * PolylineError             a text that is no encoded polyline
  * TravelServerError         a routing server gave no usable answer
    * UnreachableServerError  it gave none at all; another attempt may help
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


class QuestionError(GeoError):
    """A question for travel times that has no answer."""

    code = "question_unusable"


class NoPlacesError(QuestionError):
    """A matrix was asked for without origins or without destinations."""

    code = "no_places"


class MatrixTooLargeError(QuestionError):
    """A matrix has more pairs than one answer may hold; the message states the limit."""

    code = "matrix_too_large"


class TimeLimitError(QuestionError):
    """What can be reached was asked for within a time that is none."""

    code = "time_limit_unusable"


class InvalidOpeningHoursError(GeoError):
    """A text that is not in OpenStreetMap's opening hours grammar."""

    code = "invalid_opening_hours"


class UnknownTimeZoneError(GeoError):
    """A name that the time zone database does not have."""

    code = "unknown_time_zone"


class AreaError(GeoError):
    """A service area that cannot be used.

    Attributes
    ----------
    pointer
        JSON pointer (RFC 6901) of the offending part of the area's JSON form; empty for the whole.
    """

    code = "area_unusable"

    def __init__(self, pointer: str, problem: str) -> None:
        super().__init__(f"service area{' ' if pointer else ''}{pointer} {problem}")
        self.pointer = pointer
        self.problem = problem

    def __reduce__(self) -> tuple[type[AreaError], tuple[str, str]]:
        return (AreaError, (self.pointer, self.problem))


class TrafficError(GeoError):
    """Something said about the traffic that cannot be used."""

    code = "traffic_refused"


class ObservationError(TrafficError):
    """A speed, a track or a stretch of street that cannot have been observed."""

    code = "observation_refused"


class ClosureError(TrafficError):
    """A closure without a street, or one that is over already."""

    code = "closure_refused"


class UnknownClosureError(TrafficError):
    """No street is closed under this id."""

    code = "unknown_closure"


class ProfileError(TrafficError):
    """A file of speeds by hour of the week that cannot be used; names every problem."""

    code = "profile_unusable"


class PolylineError(GeoError):
    """A text that is no encoded polyline."""

    code = "invalid_polyline"


class TravelServerError(GeoError):
    """A routing server gave no usable answer; the message names the server and what it did."""

    code = "travel_server_failed"


class UnreachableServerError(TravelServerError):
    """A routing server gave no answer at all, or said that it cannot just now."""
