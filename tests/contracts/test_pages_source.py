"""What stands in the pages as they are written: of PINs, and of the clipboard."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PIN: Final = re.compile(r'<input\b[^>]*\bname="pin"[^>]*>')
CLIPBOARD: Final = re.compile(r"\bonpaste\b|addEventListener\(\s*.paste.")


def test_a_pin_is_hidden_and_may_be_pasted() -> None:
    """Every field of a PIN is one of a password, and no page listens to the clipboard."""
    pages = sorted((ROOT / "mobile_api" / "templates").glob("*.html"))
    fields = [one for page in pages for one in PIN.findall(page.read_text(encoding="utf-8"))]
    typed = [one for one in fields if 'type="hidden"' not in one]
    assert len(typed) >= 5, "the pages of PINs were looked at"
    assert [one for one in typed if 'type="password"' not in one] == []
    scripts = sorted((ROOT / "mobile_api" / "static").glob("*.js"))
    listening = [
        one.name for one in [*pages, *scripts] if CLIPBOARD.search(one.read_text(encoding="utf-8"))
    ]
    assert listening == []
