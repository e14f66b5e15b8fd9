"""What both ends ask of a TCP connection to the broker, for paho's hooks. paho is not imported."""

import socket
import ssl
from typing import Any

from gateway.wire.tls import greet


def send_at_once(_client: object, _data: object, sock: Any) -> None:  # noqa: ANN401 - paho's
    """Turn Nagle's algorithm off: a message behind another waits 40 ms for the peer's ack."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class ClosesWhatIsOver:
    """Before paho's client among the bases: what it leaves open is closed.

    That is the socket of a broker that is refused, and, of a client that has ended, its two
    sockets to itself: those it keeps until nobody has the client any more, and whoever has
    callbacks in it makes a circle that only the cycle collector finds. At 1,024 open files
    paho's ``select`` takes no more. One of its methods that is not documented is used; the tests
    of what is over run it against a real broker.
    """

    _ssl_context: ssl.SSLContext | None
    _host: str
    _connect_timeout: float

    def close_sockets(self) -> None:
        """Close all that is open; for a client whose network thread has ended."""
        self._reset_sockets()  # type: ignore[attr-defined]  # of paho's client, the other base

    def _ssl_wrap_socket(self, tcp_sock: Any) -> ssl.SSLSocket:  # noqa: ANN401 - paho's is private
        if self._ssl_context is None:
            msg = "no TLS was asked for"
            raise ValueError(msg)
        return greet(self._ssl_context, tcp_sock, self._host, self._connect_timeout)
