"""Products and variants of Harbour & Mill, made from the words. Draws and writes nothing."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from firmware_sim.goods import codes, words
from firmware_sim.goods.ink.mask import Window
from firmware_sim.goods.words import Form, Text

BRAND: Final = "Harbour & Mill"
FIRST_NUMBER: Final = 1001
RATES: Final = {"PLN": 4.33, "ILS": 4.17}  # what a euro costs; shops round to a nine
ROUNDED_FROM: Final = 50  # below it prices are whole, not rounded to a nine
SIZE_STEP: Final = 0.22  # a larger rug costs this share more for each step
GROWING: Final = {"floor_lamp", "rug", "towel", "bedding"}  # forms whose price grows with size
CLOTHES_STEP_MM: Final = 20
SHOE_STEP_MM: Final = 7  # length of the outside, by EU size
SHOE_FIRST: Final = 37
DETAILS_MAX: Final = 2  # close-ups are drawn of a product's first colours only
NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Picture:
    """A picture to draw: its file, what it shows and how."""

    path: str  # relative to the feed files
    alt: Text
    form: str
    style: str
    colour_hex: str
    accent_hex: str
    window: Window | None  # None: the whole form


@dataclass(frozen=True)
class Variant:
    """A sellable form of a product."""

    sku: str
    gtin: str  # digits as printed: 8, 12 or 13
    symbology: codes.Symbology
    colour: Text
    colour_hex: str
    size: str
    size_mm: tuple[int, int, int]  # width, height, depth
    weight_g: int
    prices: dict[str, int]  # minor units by currency
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Product:
    """An idea that is sold in one or more variants."""

    product_id: str
    form: str
    kind: str  # which reviews fit
    category: str
    name: Text
    description: Text
    material: str
    variants: tuple[Variant, ...]


def products(seed: int) -> tuple[Product, ...]:
    """Return the whole assortment, the same for the same seed."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    supply = {name: codes.numbers(name) for name in codes.PREFIXES}
    made: list[Product] = []
    for form_id, form in words.forms().items():
        for row in form.items:
            made.append(_product(dice, supply, form_id, form, (FIRST_NUMBER + len(made), row)))
    return tuple(made)


def _product(
    dice: random.Random,
    supply: dict[codes.Symbology, Iterator[str]],
    form_id: str,
    form: Form,
    numbered: tuple[int, tuple[str, str, str, str, int, str, str, str]],
) -> Product:
    number, (english, hebrew, polish, style, euros, colour_ids, accent, material) = numbered
    name = Text(english, hebrew, polish)
    product_id = re.sub(
        r"[^a-z0-9]+", "-", english.lower().replace("é", "e").replace("'", "")
    ).strip("-")
    scale = dice.uniform(0.94, 1.06)
    size_mm = tuple(max(5, round(side * scale / 5) * 5) for side in form.size_mm)
    weight_g = round(form.weight_g * scale / 10) * 10
    symbology = codes.symbology_of(form_id)
    variants: list[Variant] = []
    for place, colour_id in enumerate(colour_ids.split()):
        colour, colour_hex = words.colours()[colour_id]
        accent_hex = words.colours()[accent][1]
        frame = Picture(
            f"pictures/{product_id}-{colour_id}.webp",
            _alt(name, colour, ("", "", "")),
            form_id,
            style,
            colour_hex,
            accent_hex,
            None,
        )
        pictures = [frame]
        if form.view is not None and style not in form.whole and place < DETAILS_MAX:
            pictures.append(_detail(frame, name, colour, form.view))
        for step, size in enumerate(form.sizes):
            end = f"-{''.join(NUMBER.findall(size)) or size}" if size else ""
            variants.append(
                Variant(
                    sku=f"HM-{number}-{colour_id[:3].upper()}{end}",
                    gtin=next(supply[symbology]),
                    symbology=symbology,
                    colour=colour,
                    colour_hex=colour_hex,
                    size=size,
                    size_mm=_sized(form_id, (size_mm[0], size_mm[1], size_mm[2]), size, step),
                    weight_g=round(weight_g * (1 + step * 0.03)),
                    prices=_prices(euros * (1 + SIZE_STEP * step * (form_id in GROWING))),
                    pictures=tuple(pictures),
                )
            )
    about = _description(form, material, variants[0])
    return Product(
        product_id,
        form_id,
        form.kind,
        form.category,
        name,
        about,
        words.materials()[material].name[0],
        tuple(variants),
    )


def _alt(name: Text, colour: Text, detail: tuple[str, str, str]) -> Text:
    en, he, pl = (
        f"{thing}, {shade}{part}"
        for thing, shade, part in zip(
            (name.en, name.he, name.pl), (colour.en, colour.he, colour.pl), detail, strict=True
        )
    )
    return Text(en, he, pl)


def _detail(frame: Picture, name: Text, colour: Text, view: Window) -> Picture:
    alt = _alt(name, colour, (" (detail)", " (תקריב)", " (zbliżenie)"))
    path = frame.path.replace(".webp", "-detail.webp")
    return Picture(path, alt, frame.form, frame.style, frame.colour_hex, frame.accent_hex, view)


def _sized(form_id: str, base: tuple[int, int, int], size: str, step: int) -> tuple[int, int, int]:
    """Return width, height and depth of a size: stated ones as stated, clothes by steps."""
    width, height, depth = base
    stated = [int(number) * 10 for number in NUMBER.findall(size)]
    if form_id == "shoe":
        return width, height, 250 + (int(size) - SHOE_FIRST) * SHOE_STEP_MM
    if form_id == "floor_lamp":
        return width, stated[0], depth
    if len(stated) == 2:  # noqa: PLR2004 - width and length of a cloth
        return (
            stated[0],
            height if form_id == "rug" else stated[1],
            stated[1] if form_id == "rug" else depth,
        )
    return width + step * CLOTHES_STEP_MM, height + step * CLOTHES_STEP_MM, depth


def _prices(euros: float) -> dict[str, int]:
    whole = {"EUR": float(round(euros)), **{code: euros * rate for code, rate in RATES.items()}}
    return {
        code: 100
        * (round(value / 10) * 10 - 1 if code != "EUR" and value >= ROUNDED_FROM else round(value))
        for code, value in whole.items()
    }


def _description(form: Form, material_id: str, variant: Variant) -> Text:
    material = words.materials()[material_id]
    width, height, _ = variant.size_mm
    wide, high = f"{width / 10:g}", f"{height / 10:g}"
    sized = (
        f" {wide} cm wide, {high} cm high.",
        f" רוחב {wide} ס״מ, גובה {high} ס״מ.",  # noqa: RUF001 - Hebrew
        f" Szerokość {wide.replace('.', ',')} cm, wysokość {high.replace('.', ',')} cm.",
    )
    shown = sized if form.sizes == ("",) else ("", "", "")
    labels = ("Made of", "חומר:", "Materiał:")
    en, he, pl = (
        f"{about}{size} {label} {name}. {care}"
        for about, size, label, name, care in zip(
            form.about, shown, labels, material.name, material.care, strict=True
        )
    )
    return Text(en, he, pl)
