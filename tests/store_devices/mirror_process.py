"""A simulated mirror in a process of its own, out of everybody's reach, to be killed."""

import sys
import threading
from pathlib import Path

from firmware_sim.mirror.mirror import SimMirror
from store_devices.enrolling import Enrolled

NOWHERE = "127.0.0.1:9"  # the discard port: nobody listens there
IDENTITY = Enrolled.model_validate(
    {
        "device_id": "mir-1",
        "credential": "secret",
        "location_id": "harbour-street",
        "partition": "p0",
        "kind": "mirror",
        "mqtt_url": f"mqtt://{NOWHERE}",
        "api_url": f"http://{NOWHERE}",
        "public_url": "http://shop.example",
    }
)

if __name__ == "__main__":
    mirror = SimMirror(Path(sys.argv[1]), IDENTITY)
    mirror.start()
    mirror.stage.come()
    print(mirror.on.url, flush=True)  # noqa: T201 - the parent reads it
    threading.Event().wait()
