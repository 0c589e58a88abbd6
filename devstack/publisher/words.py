"""Plausible words, and how often each is used: real names and topics follow Zipf's law, not a fair die."""

from __future__ import annotations

from itertools import combinations, product
from random import Random

_GIVEN = (
    "Anna Ben Chidi Dana Emre Fatima Goran Hana Ines Jonas Kofi Lucía Mei Nils Olga Priya Quentin Rosa Søren Tomás "
    "Uma Viktor Wei Ximena Yusuf Zoë"
).split()
_SURNAMES = (
    "Müller Okafor García Tanaka Novák Smith Haddad Rossi Lindqvist Nguyen Kowalski Silva O'Brien Ivanova Dubois "
    "Şahin Kim Andersen Mbeki Papadopoulos"
).split()
_OPENINGS = ["A Short History of", "Advances in", "Foundations of", "Introduction to", "Notes on", "The Practice of"]
_SUBJECTS = [
    "Bird Song", "Coral Reefs", "Dark Matter", "Glaciers", "Graph Theory", "Harbour Cranes", "Ink", "Lace", "Lichens",
    "Number Fields", "Old Maps", "Plate Tectonics", "Proteins", "Roman Glass", "Semiconductors", "Soil", "Steam",
    "Tides", "Trade Winds", "Type Design",
]  # fmt: skip
_TOPICS = [
    "medicine", "physics", "computing", "biology", "chemistry", "economics", "history", "law", "mathematics", "geology",
    "philosophy", "music", "astronomy", "botany", "linguistics", "design", "maritime", "heraldry",
]  # fmt: skip
_PROSE = (
    "the of a in and to we show that this which measures field sample over method result under light water model data "
    "early late often rarely new old paper section figure evidence against between strong weak record season"
).split()


def zipf(values: list[str], size: int = 1024) -> list[str]:
    """A table of ``size`` entries at least: the value at rank r is in it in proportion to 1/r, and at least once."""
    total = sum(1 / rank for rank in range(1, len(values) + 1))
    return [v for rank, v in enumerate(values, 1) for _ in range(max(1, round(size / rank / total)))]


def _prose(length: int) -> str:
    rng = Random("prose")
    return " ".join(rng.choice(_PROSE) for _ in range(length // 5))[:length]


TITLES = [f"{opening} {subject}" for opening, subject in product(_OPENINGS, _SUBJECTS)]
AUTHORS = zipf([f"{given} {surname}" for surname, given in product(_SURNAMES, _GIVEN)], 4096)
TOPICS = zipf(_TOPICS)
USERS = zipf([f"{given}.{surname}".lower() for given, surname in product(_GIVEN[:12], _SURNAMES[:12])])
KEYWORDS = [[], *([word] for word in _TOPICS), *(list(pair) for pair in combinations(_TOPICS, 2)), _TOPICS[:5]]
PROSE = _prose(65_536)
