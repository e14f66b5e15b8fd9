"""A real Mosquitto on a free loopback port, with settings that do not lose data.

Never touches the system's own broker on port 1883. The process can be stopped,
killed and started again on the same port and files, as a broker in a shop is.
"""

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from tests.real.ports import free_port, wait_for_port

STOP_S = 10
# Debian puts the broker where only root's PATH looks.
PLACES = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin:/usr/local/opt/mosquitto/sbin"

# Mosquitto's defaults lose messages in silence: 1,000 queued at most while the
# publisher reads Success, and files saved every half hour. Once a second, not after every
# message: that would write the whole backlog anew each time.
SETTINGS = """
persistence true
autosave_interval 1
autosave_on_changes false
max_queued_messages 0
max_inflight_messages 200
"""


def find_mosquitto() -> str:
    """Return the path of the broker's program.

    Raises:
        FileNotFoundError: it is not installed; ``make test`` says how.
    """
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:{PLACES}")
    if found is None:
        msg = "mosquitto is not installed; run `make test`, which installs it or says how"
        raise FileNotFoundError(msg)
    return found


class Mosquitto:
    """One broker; ``access`` is the part of its configuration that says who may do what.

    With ``conf`` it runs on that file as it stands, which says that it listens on ``port``.
    """

    def __init__(
        self,
        folder: Path,
        access: str = "allow_anonymous true\n",
        *,
        conf: Path | None = None,
        port: int = 0,
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._access = access
        self._conf = conf
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "data").mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """``mqtt://127.0.0.1:port``, without a user."""
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has written so far."""
        return (self.folder / "mosquitto.log").read_text(errors="replace")

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        conf = self._conf or self._written_conf()
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                [find_mosquitto(), "-c", str(conf)], stdout=log, stderr=log
            )
        try:
            wait_for_port(self.port)
        except TimeoutError as error:
            self.kill()
            msg = f"mosquitto did not start:\n{self.log}"
            raise TimeoutError(msg) from error

    def _written_conf(self) -> Path:
        user = f"user {pwd.getpwuid(os.getuid()).pw_name}\n"  # keep ours: the files are ours
        conf = self.folder / "mosquitto.conf"
        conf.write_text(
            f"listener {self.port} 127.0.0.1\npersistence_location {self.folder}/data/\n"
            + user
            + SETTINGS
            + self._access
        )
        return conf

    def reload(self) -> None:
        """Make it read its password and access files again."""
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End it in order; it saves what it holds."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_S)
            self._process = None
