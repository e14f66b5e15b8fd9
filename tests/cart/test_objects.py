"""The port to objects: one contract, kept by a folder and by S3 (an emulator on loopback)."""

import resource
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cart.kernel.clock import SystemClock
from cart.kernel.errors import InvalidInput, ObjectGone, StorageFull, Unavailable
from cart.kernel.ids import RandomIds
from cart.objects.folder import BEGUN, FolderObjects
from cart.objects.model import Objects
from cart.objects.opening import check_address, open_objects
from tests.real.bucket import bucket
from tests.real.ports import free_port

NAMES = ("looks/look_1/sheet", "looks/look_1/video", "looks/look_10/video")


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    """An emulated S3 with an empty bucket."""
    with bucket() as url:
        yield url


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """What keeps objects, empty."""
    url = request.getfixturevalue("s3_url") if request.param == "s3" else ""
    opened = open_objects(url, tmp_path, RandomIds())
    for name in [one.name for one in opened.listed("looks")]:
        opened.delete(name)
    return opened


def test_an_object_is_there_whole_and_in_any_part(objects: Objects) -> None:
    """Read from anywhere, also past its end; written again it is the new one."""
    objects.put("looks/look_1/video", [b"0123", b"", b"456789"])
    assert objects.read("looks/look_1/video", 0, 100) == b"0123456789"
    assert objects.read("looks/look_1/video", 3, 4) == b"3456"
    assert objects.read("looks/look_1/video", 9, 4) == b"9"
    assert objects.read("looks/look_1/video", 10, 4) == b""
    objects.put("looks/look_1/video", [b"new"])
    assert objects.read("looks/look_1/video", 0, 100) == b"new"


def test_a_list_has_names_and_sizes_of_its_folder_only(objects: Objects) -> None:
    """``looks/look_1`` is not ``looks/look_10``."""
    for name in NAMES:
        objects.put(name, [name.encode()])
    now = SystemClock().now()
    found = list(objects.listed("looks"))
    assert [(one.name, one.size_bytes) for one in found] == [(n, len(n)) for n in NAMES]
    assert all(abs(one.changed_at - now) < timedelta(minutes=5) for one in found)
    assert [one.name for one in objects.listed("looks/look_1")] == list(NAMES[:2])
    assert list(objects.listed("nothing")) == []


def test_what_was_deleted_is_gone_and_may_be_deleted_again(objects: Objects) -> None:
    """A sweep that died after it deletes once more."""
    for name in NAMES:
        objects.put(name, [b"x"])
    objects.delete(NAMES[0])
    objects.delete(NAMES[0])
    with pytest.raises(ObjectGone):
        objects.read(NAMES[0], 0, 1)
    assert [one.name for one in objects.listed("looks")] == list(NAMES[1:])


@pytest.mark.parametrize("name", ["", "../x", "looks/../x", "/etc/x", "looks//x", "A", "a.b", "é"])
def test_no_name_leads_elsewhere(objects: Objects, name: str) -> None:
    """Refused, and nothing is written."""
    with pytest.raises(InvalidInput):
        objects.put(name, [b"x"])
    with pytest.raises(InvalidInput):
        objects.read(name, 0, 1)
    assert list(objects.listed("looks")) == []


def test_a_writer_that_fails_leaves_what_was_there(objects: Objects) -> None:
    """Neither half an object nor the loss of the one before."""

    def broken() -> Iterator[bytes]:
        yield b"half"
        msg = "the source dies"
        raise RuntimeError(msg)

    objects.put(NAMES[0], [b"before"])
    with pytest.raises(RuntimeError):
        objects.put(NAMES[0], broken())
    with pytest.raises(RuntimeError):
        objects.put(NAMES[1], broken())
    assert objects.read(NAMES[0], 0, 10) == b"before"
    assert [one.name for one in objects.listed("looks")] == [NAMES[0]]


def test_a_full_disk_leaves_no_byte(tmp_path: Path) -> None:
    """The system refuses to write on: as on a full disk, all that was written goes."""
    objects = FolderObjects(tmp_path, RandomIds())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(StorageFull):
            objects.put(NAMES[0], [b"x" * 65_536] * 4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_process_died_over_is_tidied_once_it_is_old(tmp_path: Path) -> None:
    """A file that was begun is no object, and does not stay."""
    objects = FolderObjects(tmp_path, RandomIds())
    (tmp_path / BEGUN).mkdir()
    (tmp_path / BEGUN / "left").write_bytes(b"half")
    assert list(objects.listed("looks")) == []
    now = SystemClock().now()
    assert objects.tidy(now - timedelta(hours=1)) == 0
    assert objects.tidy(now + timedelta(hours=1)) == 1
    assert list((tmp_path / BEGUN).iterdir()) == []


def test_only_the_owner_reads_the_files_and_no_folder_of_a_look_stays(tmp_path: Path) -> None:
    """A look is sealed; what it is called is nobody's business either."""
    objects = FolderObjects(tmp_path / "objects", RandomIds())
    objects.put(NAMES[0], [b"x"])
    path = tmp_path / "objects" / NAMES[0]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "objects").stat().st_mode) == 0o700
    objects.delete(NAMES[0])
    assert list((tmp_path / "objects" / "looks").iterdir()) == []


def test_a_bucket_that_does_not_answer_is_told_as_such(tmp_path: Path) -> None:
    """Nobody listens there."""
    url = f"s3://k:s@b?endpoint=http://127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable):
        open_objects(url, tmp_path, RandomIds()).put(NAMES[0], [b"x"])


@pytest.mark.parametrize("url", ["ftp://x", "s3://", "s3:///b", "s3://b?colour=red", "/var/x"])
def test_an_address_that_is_none_stops_the_start(url: str) -> None:
    """Whoever mistypes it hears of it at once."""
    with pytest.raises(ValueError, match="OBJECTS_URL"):
        check_address(url)
