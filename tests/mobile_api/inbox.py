"""A real mail server for tests, and what it took."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser


class Inbox:
    """A real mail server that answers as it is told and keeps what it took."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.answers: list[str] = []
        self.farewell = "221 bye"

    async def handle_QUIT(  # noqa: N802 - the library's name
        self, _server: object, _session: object, _envelope: object
    ) -> str:
        """Say good-bye."""
        return self.farewell

    async def handle_DATA(  # noqa: N802 - the library's name
        self, _server: object, _session: object, envelope: object
    ) -> str:
        """Take or refuse."""
        answer = self.answers.pop(0) if self.answers else "250 taken"
        if answer.startswith("250"):
            content = envelope.content  # type: ignore[attr-defined]
            self.raw.append(content)
            self.taken.append(BytesParser(policy=policy.default).parsebytes(content))
        return answer


def part(message: EmailMessage, kind: str) -> str:
    """Return the text or HTML part."""
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())
