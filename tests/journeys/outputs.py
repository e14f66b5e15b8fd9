"""All that came out of a running shop, by kind, and a search for words in it."""

import base64
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import httpx2

LOG, METRICS, TRACE, TOPIC, MESSAGE, URL, PROBLEM = KINDS = (
    "log", "metrics", "trace", "topic", "message", "url", "problem",
)  # fmt: skip
REFUSED: Final = 400
AROUND: Final = 60  # characters before and after what was found
_LINKS: Final = re.compile(r"""(?:href|action|src|content)=["']([^"']+)""")


def forms(word: str) -> set[str]:
    """Return how a word may stand there: in small letters, or in the three ways of base 64."""
    found = {word.lower()}
    for written in (word, word.capitalize()):
        for shift in range(3):
            whole = base64.b64encode(b"\0" * shift + written.encode()).decode().rstrip("=")
            found.add(whole[-(-shift * 8 // 6) : len(whole) - 1].lower())
    return found


@dataclass
class Outputs:
    """What was said: by kind, where and what."""

    said: defaultdict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, where: str, text: str | bytes) -> None:
        """Keep something that came out."""
        plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        self.said[kind].append((where, plain))

    def watch(self, client: httpx2.Client) -> None:
        """Keep every address that a client asks or is shown, and every problem that it is given."""

        def heard(answer: httpx2.Response) -> None:
            where = f"{answer.request.method} {answer.request.url.path}"
            self.add(URL, where, str(answer.request.url))
            self.add(URL, where, answer.headers.get("location", ""))
            media = answer.headers.get("content-type", "")
            if media.startswith("text/html"):
                for link in _LINKS.findall(answer.read().decode()):
                    self.add(URL, where, link)
            # A page is for her eyes, her address may be on it; a problem document is passed on.
            if answer.status_code >= REFUSED and media.startswith("application/"):
                self.add(PROBLEM, where, answer.read())

        client.event_hooks = {"response": [heard]}

    def found(self, kind: str, words: Iterable[str]) -> list[str]:
        """Return where one of these words stands, with what stands around it."""
        wanted = {one for word in words for one in forms(word)}
        return [
            f"{kind} {where}: …{text[max(0, at - AROUND) : at + AROUND]}…"
            for where, text in self.said[kind]
            for one in wanted
            if (at := text.lower().find(one)) >= 0
        ]
