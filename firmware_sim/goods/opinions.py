"""Reviews: ratings as people give them, texts that fit the rating and the kind of thing."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, cast

from firmware_sim.goods import words
from firmware_sim.goods.assortment import Product

REVIEWS_MAX: Final = 60  # for one product
LAST_DAY: Final = date(2026, 11, 20)  # fixed: the same seed gives the same bytes on any day
DAYS_BACK: Final = 900
LANGUAGE_WEIGHTS: Final = (50, 22, 28)  # en, he, pl
HAPPY, CONTENT, SO_SO, UNHAPPY = 5, 4, 3, 2


@dataclass(frozen=True)
class Review:
    """What one customer wrote."""

    product_id: str
    author: str
    rating: int
    text: str
    language: str
    written_on: date


def reviews(products: tuple[Product, ...], seed: int) -> list[Review]:
    """Return the reviews of all products, newest first within a product."""
    dice = random.Random(f"reviews {seed}")  # noqa: S311 - repeatable on purpose
    made: list[Review] = []
    for product in products:
        made.extend(_of(dice, product))
    return made


def _of(dice: random.Random, product: Product) -> list[Review]:
    popular = dice.random()
    number = 0 if popular < 0.06 else min(REVIEWS_MAX, round(2 + 58 * popular**3))  # noqa: PLR2004
    liked = dice.uniform(0.45, 0.8)  # the share of five stars
    weights = (
        liked,
        (1 - liked) * 0.55,
        (1 - liked) * 0.25,
        (1 - liked) * 0.12,
        (1 - liked) * 0.08,
    )
    found: dict[tuple[str, str], Review] = {}
    for _ in range(number):
        rating = dice.choices((5, 4, 3, 2, 1), weights)[0]
        language = dice.choices(words.LANGUAGES, LANGUAGE_WEIGHTS)[0]
        book = words.reviews()[language]
        author = dice.choice(cast("list[str]", book["authors"]))
        text = _text(dice, language, product.kind, rating)
        day = LAST_DAY - timedelta(days=dice.randrange(DAYS_BACK))
        found.setdefault(
            (language, text), Review(product.product_id, author, rating, text, language, day)
        )
    return sorted(found.values(), key=lambda review: (review.written_on, review.text), reverse=True)


def _text(dice: random.Random, language: str, kind: str, rating: int) -> str:
    book = words.reviews()[language]
    opening = dice.choice(cast("list[str]", book[f"open{rating}"]))
    lines = cast("dict[str, list[str]]", book[kind])
    if rating == HAPPY:
        closing = dice.choice(["", "", *cast("list[str]", book["close5"])])
        return f"{opening} {dice.choice(lines['good'])} {closing}".strip()
    reserved = cast("list[str]", book["open4"])[0]  # announces a reservation, so one must follow
    if rating == CONTENT and opening != reserved:
        return f"{opening} {dice.choice(lines['good'])}"
    mood = "mid" if rating >= SO_SO or (rating == UNHAPPY and dice.random() < 0.5) else "bad"  # noqa: PLR2004
    return f"{opening} {dice.choice(lines[mood])}"
