"""What waits for one client, taken in turns of those who sent it. No sockets, no limits."""

from collections import deque
from collections.abc import Iterator

from gateway.broker.packets import Publish


class FairQueue:
    """First in, first out for each sender; between senders one message each, in turns."""

    def __init__(self) -> None:
        self._own: dict[str, deque[Publish]] = {}
        self._turns: deque[str] = deque()
        self._count = 0

    def __len__(self) -> int:
        """How many messages wait."""
        return self._count

    def __iter__(self) -> Iterator[Publish]:
        """Yield the messages, sender by sender."""
        for own in self._own.values():
            yield from own

    def of(self, sender: str) -> int:
        """Return how many messages of this sender wait."""
        return len(self._own.get(sender, ()))

    @property
    def head(self) -> Publish:
        """The message whose turn it is; there is one."""
        return self._own[self._turns[0]][0]

    def append(self, message: Publish, sender: str) -> None:
        """Queue a message behind those of its sender."""
        own = self._own.get(sender)
        if own is None:
            own = self._own[sender] = deque()
            self._turns.append(sender)
        own.append(message)
        self._count += 1

    def popleft(self) -> Publish:
        """Take the message whose turn it is; there is one."""
        sender = self._turns[0]
        own = self._own[sender]
        message = own.popleft()
        self._count -= 1
        if own:
            self._turns.rotate(-1)
        else:
            self._turns.popleft()
            del self._own[sender]
        return message

    def drop(self, sender: str) -> Publish:
        """Take the oldest of ``sender``, who brings one too many; of who has most, if it has none.

        There is a message.
        """
        whose = sender if sender in self._own else max(self._own, key=self.of)
        own = self._own[whose]
        message = own.popleft()
        self._count -= 1
        if not own:
            self._turns.remove(whose)
            del self._own[whose]
        return message

    def keep_certain(self) -> None:
        """Drop what is of quality 0."""
        before, self._own = self._own, {}
        self._turns.clear()
        self._count = 0
        for sender, own in before.items():
            for message in own:
                if message.qos:
                    self.append(message, sender)
