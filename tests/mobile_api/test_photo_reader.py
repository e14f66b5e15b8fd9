"""The photo reader under a crowd: those who can be served are, the others hear so at once."""

import threading
from io import BytesIO

import pytest
from PIL import Image

from cart.kernel.errors import Unavailable, UnreadablePhoto
from mobile_api.scan.reader import WAITING_MAX, PhotoReader


def blank() -> bytes:
    """Return a photo without a code in it."""
    to = BytesIO()
    Image.new("L", (200, 200), 255).save(to, "PNG")
    return to.getvalue()


def test_a_crowd_of_photos_takes_no_more_threads_than_it_may() -> None:
    """Twenty at once, while the child process starts: six are read, fourteen are put off."""
    reader, photo, crowd = PhotoReader(), blank(), 20
    gate, answers = threading.Barrier(crowd), list[str]()

    def ask() -> None:
        gate.wait()
        try:
            answers.append(f"read {reader.read(photo)}")
        except Unavailable as refusal:
            answers.append(refusal.message)

    threads = [threading.Thread(target=ask) for _ in range(crowd)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert answers.count("read []") == WAITING_MAX
        assert answers.count(f"{WAITING_MAX} photos are being read already") == crowd - WAITING_MAX
        assert reader.read(photo) == [], "there is room again"
        with pytest.raises(UnreadablePhoto):
            reader.read(b"no picture")
        assert reader.read(photo) == [], "a refusal gives its room back"
    finally:
        reader.close()
