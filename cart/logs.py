"""What a server process logs, and in which form: text for people, JSON for collectors.

Modules log through the standard library; here each record is given its form once.
Whatever a message says, e-mail addresses, passwords in addresses and secrets of
links never reach the log: a library's error may quote what it was given.
"""

import logging
import re
import sys
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from cart.kernel.ids import TOKEN_CHARACTERS
from cart.settings import ProcessSettings

# A password in an address first: what stands before its host looks like an e-mail address.
HIDDEN: Final = (
    (re.compile(r"(?<=://)[^/\s@]+(?=@)"), "<secret>"),
    (re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), "<e-mail>"),
    # Tokens of ours have just this length, an id of ours 24; hashes and foreign keys are longer.
    (re.compile(rf"(?<![0-9A-Za-z_-])(?:[0-9a-z]{{{TOKEN_CHARACTERS}}}|[0-9A-Za-z_-]{{43,}})\b"),
     "<secret>"),
)  # fmt: skip
# Libraries that write at their loudest what passes through them. The demo's mail sink is a
# server of aiosmtpd's, which logs each line of a mail: names of people and of their lists.
TALKATIVE: Final = ("mail.log",)


def hidden(text: str) -> str:
    """Return the text without addresses and secrets of persons."""
    for pattern, instead in HIDDEN:
        text = pattern.sub(instead, text)
    return text


def _hide(_logger: WrappedLogger, _method: str, said: EventDict) -> EventDict:
    return {
        name: hidden(value) if isinstance(value, str) else value for name, value in said.items()
    }


def _line(_logger: WrappedLogger, _method: str, said: EventDict) -> str:
    head = f"{said['at']} {str(said['level']).upper()} {said['logger']}: {said['event']}"
    return "\n".join((head, said["exception"])) if "exception" in said else head


def formatter(form: str) -> logging.Formatter:
    """Return the formatter for ``text`` or ``json``."""
    last: Processor = structlog.processors.JSONRenderer() if form == "json" else _line
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _hide,
            last,
        ],
    )


def configure(
    settings: ProcessSettings, *, verbose: bool = False, stream: TextIO = sys.stderr
) -> None:
    """Let the root logger write to ``stream`` as the settings say; ``verbose``: at least INFO."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(settings.log_format))
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.basicConfig(
        handlers=[handler], level=min(level, logging.INFO) if verbose else level, force=True
    )
