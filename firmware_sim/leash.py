"""``python -m firmware_sim.leash gateway.cli run …``: a command that ends with whoever started it.

Runs another command line of the project in this process. Standard input is a
pipe that the starter holds and never writes to: when the starter dies, however
it dies, the pipe ends and this process ends itself as by SIGTERM. So a killed
demo or test run leaves nothing behind. It imports nothing of the command but
its module, by name.
"""

import importlib
import os
import signal
import sys
import threading
from typing import Final

READ_BYTES: Final = 1


def _watch() -> None:
    while os.read(sys.stdin.fileno(), READ_BYTES):
        pass
    # The whole group: a command may have worker processes. It was started in one of its own.
    os.killpg(os.getpgrp(), signal.SIGTERM)


def main(arguments: list[str]) -> None:
    """Run the Typer application ``app`` of the module named first, with what follows."""
    module, *rest = arguments
    threading.Thread(target=_watch, name="leash", daemon=True).start()
    sys.argv = [module.partition(".")[0], *rest]
    importlib.import_module(module).app()


if __name__ == "__main__":
    main(sys.argv[1:])
