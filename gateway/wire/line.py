"""What both ends ask of a TCP connection to the broker, for paho's hooks. paho is not imported."""

import socket
import ssl
from typing import Any

from gateway.wire.tls import greet


def send_at_once(_client: object, _data: object, sock: Any) -> None:  # noqa: ANN401 - paho's
    """Turn Nagle's algorithm off: a message behind another waits 40 ms for the peer's ack."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class ClosesWhatItDoesNotTrust:
    """Before paho's client among the bases: it leaves the socket of a refused broker open."""

    _ssl_context: ssl.SSLContext | None
    _host: str
    _connect_timeout: float

    def _ssl_wrap_socket(self, tcp_sock: Any) -> ssl.SSLSocket:  # noqa: ANN401 - paho's is private
        if self._ssl_context is None:
            msg = "no TLS was asked for"
            raise ValueError(msg)
        return greet(self._ssl_context, tcp_sock, self._host, self._connect_timeout)
