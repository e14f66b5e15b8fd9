"""The pages: there, small, in three languages, and installable."""

import json
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

import mobile_api
from cart.kernel.i18n import missing
from mobile_api.look.words import TEXTS
from mobile_api.scan.reader import PHOTO_BYTES_MAX
from tests.mobile_api.shop import MUG, RED, add

PAGE_BYTES_MAX = 60_000
PATHS = ("/", "/lists", "/shops", "/shops?sku=lamp-red", "/p/arc-lamp", "/scan", "/demo")
HTML = {"Accept": "text/html"}


@pytest.mark.parametrize("locale", ["en", "he", "pl"])
def test_every_page_is_small_and_speaks_the_language(phone: TestClient, locale: str) -> None:
    """Under 60 KB with a cart of two lines; direction and language are said."""
    add(phone)
    add(phone, MUG)
    for path in PATHS:
        answer = phone.get(path, headers=HTML | {"Accept-Language": locale})
        assert answer.status_code == 200, path
        assert len(answer.content) < PAGE_BYTES_MAX
        direction = "rtl" if locale == "he" else "ltr"
        assert f'<html lang="{locale}" dir="{direction}">' in answer.text
        kept = "no-store" if path == "/demo" else "private, no-cache"  # the demo's is of the moment
        assert answer.headers["cache-control"] == kept


@pytest.mark.parametrize("locale", ["he", "pl"])
def test_no_text_is_missing(locale: str) -> None:
    """Every text in templates and code has its translation."""
    used = [
        message if isinstance(message, str) else message[0]
        for _, _, message, _, _ in extract_from_dir(
            Path(mobile_api.__file__).parent,
            method_map=[
                ("templates/**.html", "jinja2.ext:babel_extract"),
                ("templates/**.txt", "jinja2.ext:babel_extract"),
                ("**.py", "python"),
            ],
            keywords={"_": None, "gettext": None, "ngettext": (1, 2), "N_": None},
        )
    ]
    assert len(used) > 150
    assert missing(TEXTS, locale, used) == []


def test_the_language_is_chosen_and_remembered(phone: TestClient) -> None:
    """A cookie beats the browser; the way back stays on this site."""
    answer = phone.post(
        "/language", data={"language": "pl", "back": "/lists"}, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/lists")
    assert "Moje listy" in phone.get("/lists", headers={"Accept-Language": "he"}).text
    for back in ("https://evil.example", "//evil.example", "/\\evil.example"):
        answer = phone.post(
            "/language", data={"language": "en", "back": back}, follow_redirects=False
        )
        assert answer.headers["location"] == "/"


def test_a_product_page_describes_itself_to_machines(phone: TestClient) -> None:
    """schema.org Product with GTIN, offer and rating; nothing can break out of the script."""
    text = phone.get("/p/arc-lamp?sku=lamp-blue").text
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
    assert found
    described = json.loads(found[1])
    assert described["@type"] == "Product"
    assert described["sku"] == "lamp-blue"
    assert described["name"] == "Arc <lamp>"
    assert described["offers"]["price"] == "199.00"
    assert described["offers"]["availability"].endswith("OutOfStock")
    assert described["aggregateRating"]["ratingValue"] == 5.0
    assert described["@id"].endswith(f"/01/{described['gtin14']}")


def test_a_digital_link_leads_to_its_product(phone: TestClient) -> None:
    """As printed on a shelf label; an unknown one is a page with a way on."""
    answer = phone.get(f"/01/{RED}", follow_redirects=False)
    assert answer.headers["location"] == "/p/arc-lamp?sku=lamp-red"
    unknown = phone.get("/01/04006381333948", headers=HTML)
    assert unknown.status_code == 404
    assert 'href="/"' in unknown.text


def test_unknown_addresses_are_pages_for_people_and_problems_for_programs(
    phone: TestClient,
) -> None:
    """By what was asked for."""
    assert "There is nothing here." in phone.get("/nowhere", headers=HTML).text
    assert phone.get("/nowhere").json()["code"] == "not_found"
    assert phone.get("/api/v1/nowhere", headers=HTML).json()["code"] == "not_found"


def test_files_are_kept_for_ever_under_their_fingerprint(phone: TestClient) -> None:
    """The page names them by content; the service worker keeps the same names."""
    page = phone.get("/").text
    names = re.findall(r'"(/static/[^"]+)"', page)
    assert len(names) >= 3
    for name in names:
        assert "immutable" in phone.get(name).headers["cache-control"]
    worker = phone.get("/sw.js")
    assert names[0] in worker.text
    assert phone.get("/static/none.css").status_code == 404
    manifest = phone.get("/manifest.webmanifest").json()
    assert all(phone.get(icon["src"]).status_code == 200 for icon in manifest["icons"])


def test_pictures_come_in_the_size_asked_for(phone: TestClient, tmp_path: Path) -> None:
    """Smaller copies are made once; no other size, and nothing outside the folder."""
    (tmp_path / "pictures").mkdir()
    name = f"{'ab' * 20}.webp"
    Image.new("RGB", (800, 600), "#884422").save(tmp_path / "pictures" / name)
    answer = phone.get(f"/pictures/{name}?w=160")
    assert answer.headers["content-type"] == "image/webp"
    with Image.open(tmp_path / "pictures" / "w160" / name) as copy:
        assert copy.size == (160, 120)
    assert "immutable" in answer.headers["cache-control"]
    for wrong in (f"{name}?w=161", "..%2Fsecret.key", "none.webp"):
        assert phone.get(f"/pictures/{wrong}").status_code == 404


def test_what_a_scan_found_is_shown_with_a_way_to_take_it(phone: TestClient) -> None:
    """A code we sell, one we do not, and one that is none."""
    found = phone.get(f"/scan/found?code={RED}").text
    assert "Arc &lt;lamp&gt;" in found
    assert 'data-act="add"' in found
    assert "We do not sell" in phone.get("/scan/found?code=4006381333948").text
    assert "We do not sell" in phone.get("/scan?code=12").text


def test_a_photo_is_read_by_the_server(app: FastAPI, phone: TestClient, tmp_path: Path) -> None:
    """A drawn EAN-13 is found; a picture without a code, and none at all, are said in words."""
    from barcode import EAN13  # noqa: PLC0415 - of the simulator's extra
    from barcode.writer import ImageWriter  # noqa: PLC0415 - as above

    path = tmp_path / "code.png"
    picture = EAN13("4006381333931", writer=ImageWriter()).render({"dpi": 300})
    picture.save(path)
    answer = phone.post("/api/v1/cart/scan", files={"photo": path.read_bytes()})
    assert answer.json() == {"gtin": RED, "others": []}
    Image.new("RGB", (400, 300), "white").save(path)
    empty = phone.post("/api/v1/cart/scan", files={"photo": path.read_bytes()})
    assert (empty.status_code, empty.json()["code"]) == (422, "unreadable_photo")
    none = phone.post("/api/v1/cart/scan", files={"photo": b"no picture"})
    assert none.json()["code"] == "unreadable_photo"
    large = phone.post("/api/v1/cart/scan", files={"photo": b"x" * (PHOTO_BYTES_MAX + 1)})
    assert (large.status_code, large.json()["code"]) == (413, "payload_too_large")
    app.state.parts.photos.close()
