"""JSON-LD of places, by the vocabulary of schema.org, for search engines."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from web.formatting import nightly


def described(place: Mapping[str, Any], reviews: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Describe a place as JSON-LD.

    Args:
        place: in its JSON form, with `amenities` and `city.state`.
        reviews: each with its `user`.
    """
    city = place["city"] or {}
    return {
        "@context": "https://schema.org", "@type": "VacationRental", "identifier": place["id"], "name": place["name"],
        "description": place["description"] or place["name"], "priceRange": nightly(place["price_by_night"]),
        "address": {"@type": "PostalAddress", "addressLocality": city.get("name", ""),
                    "addressRegion": (city.get("state") or {}).get("name", "")},
        **_geo(place),
        "containsPlace": {
            "@type": "Accommodation", "numberOfBedrooms": place["number_rooms"],
            "numberOfBathroomsTotal": place["number_bathrooms"],
            "occupancy": {"@type": "QuantitativeValue", "value": place["max_guest"]},
            "amenityFeature": [{"@type": "LocationFeatureSpecification", "name": each["name"], "value": True}
                               for each in place["amenities"]]},
        "review": [{"@type": "Review", "reviewBody": each["text"], "datePublished": each["created_at"][:10],
                    "author": {"@type": "Person", "name": _first(each["user"])}} for each in reviews],
    }


def _geo(place: Mapping[str, Any]) -> dict[str, Any]:
    if place["latitude"] is None or place["longitude"] is None:
        return {}
    return {"geo": {"@type": "GeoCoordinates", "latitude": place["latitude"], "longitude": place["longitude"]}}


def _first(user: Mapping[str, Any] | None) -> str:
    return (user and user["first_name"]) or "A guest"
