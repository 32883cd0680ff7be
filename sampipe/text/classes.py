"""Words for the classes of a detector: ``"bikes"`` and ``"bike"`` are its ``"bicycle"``."""

from __future__ import annotations

from collections.abc import Sequence

_SYNONYMS = {
    "person": "people human man woman men women boy girl child children kid baby lady guy pedestrian astronaut player",
    "bicycle": "bike cycle",
    "motorcycle": "motorbike scooter",
    "car": "automobile suv sedan jeep taxi",
    "airplane": "aeroplane plane aircraft jet",
    "bus": "coach",
    "train": "locomotive tram",
    "truck": "lorry van pickup",
    "boat": "ship sailboat canoe kayak",
    "traffic light": "stoplight",
    "fire hydrant": "hydrant",
    "cat": "kitten kitty",
    "dog": "puppy",
    "horse": "pony foal",
    "sheep": "lamb",
    "cow": "cattle bull calf ox",
    "backpack": "rucksack",
    "handbag": "purse bag",
    "tie": "necktie",
    "suitcase": "luggage",
    "skis": "ski",
    "sports ball": "ball football basketball",
    "wine glass": "wineglass",
    "cup": "mug",
    "donut": "doughnut",
    "couch": "sofa settee",
    "potted plant": "houseplant",
    "dining table": "table desk",
    "tv": "television monitor screen",
    "laptop": "notebook",
    "remote": "remote control",
    "cell phone": "cellphone phone smartphone mobile phone",
    "refrigerator": "fridge",
    "teddy bear": "teddy",
    "hair drier": "hairdryer hair dryer",
}
_WHOLE = {"remote control", "mobile phone", "hair dryer"}  # synonyms of several words


def class_of(phrase: str, names: Sequence[str]) -> int | None:
    """The place among ``names`` of the class that a phrase names, in singular or plural, or None."""
    plain = " ".join(phrase.casefold().split())
    plain = next((plain.removeprefix(article) for article in ("a ", "an ", "the ") if plain.startswith(article)), plain)
    for candidate in (plain, *_singulars(plain)):
        if candidate in names:
            return names.index(candidate)
        for name, others in _SYNONYMS.items():
            if name in names and _is_among(candidate, others):
                return names.index(name)
    return None


def _is_among(candidate: str, others: str) -> bool:
    if " " in candidate:
        return candidate in _WHOLE and candidate in others
    return candidate in others.split()


def _singulars(phrase: str) -> list[str]:
    endings = (("ies", "y"), ("ves", "fe"), ("es", ""), ("s", ""))
    return [phrase.removesuffix(end) + instead for end, instead in endings if phrase.endswith(end)]
