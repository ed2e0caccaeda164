"""Distances between points on the Earth in whole metres, by the haversine formula over decimals."""

from dataclasses import dataclass
from decimal import Decimal, localcontext

EARTH_RADIUS_METRES = 6_371_009
"""The mean radius of the ellipsoid of WGS 84."""

_PI = Decimal("3.14159265358979323846264338328")
_DIGITS = 30
_ENOUGH = Decimal("1e-26")


@dataclass(frozen=True, slots=True)
class Position:
    """A point in degrees east and north."""

    longitude: Decimal
    latitude: Decimal


def distance_metres(one: Position, other: Position) -> int:
    """The length of the great circle between the two, rounded to whole metres."""
    with localcontext() as context:
        context.prec = _DIGITS
        north, north_too = _radians(one.latitude), _radians(other.latitude)
        across = _sine((north_too - north) / 2) ** 2
        along = _sine((_radians(other.longitude) - _radians(one.longitude)) / 2) ** 2
        chord = across + _cosine(north) * _cosine(north_too) * along
        angle = 2 * _arcsine(min(chord, Decimal(1)).sqrt())
        return round(EARTH_RADIUS_METRES * angle)


def _radians(degrees: Decimal) -> Decimal:
    return degrees * _PI / 180


def _sine(angle: Decimal) -> Decimal:
    """The power series; angles here are at most a whole turn."""
    term = total = angle
    place = 1
    while abs(term) > _ENOUGH:
        term *= -angle * angle / ((place + 1) * (place + 2))
        place += 2
        total += term
    return total


def _cosine(angle: Decimal) -> Decimal:
    return _sine(_PI / 2 - angle)


def _arcsine(sine: Decimal) -> Decimal:
    """By halving the angle until the power series is short: asin x = 2 asin(x / sqrt(2 (1 + sqrt(1 - x²))))."""
    halvings = 0
    while sine > Decimal("0.1"):
        sine /= (2 * (1 + (1 - sine * sine).sqrt())).sqrt()
        halvings += 1
    power = total = sine
    place = 1
    while power > _ENOUGH:
        power *= sine * sine * place / (place + 1)
        place += 2
        total += power / place
    return total * 2**halvings
