"""Keeps the rules in Mosquitto's dynamic-security plug-in in step with the registry, live.

Speaks to the plug-in as the user ``control``, who may do nothing else. Every call makes a
connection of its own; any number of processes may do so at once.
"""

import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count, islice
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cart.db import reading
from cart.kernel.errors import Unavailable
from cart.kernel.ids import Ids
from gateway.dynamic_rules import Json, Present, news, repairs
from gateway.mqtt import Address, Incoming, MqttLink, address_of
from gateway.registry.queries import addresses
from gateway.settings import MqttSettings
from gateway.wire.topics import DeviceAddress

logger = logging.getLogger(__name__)

TOPIC: Final = "$CONTROL/dynamic-security/v1"
CONNECT_WAIT_S = 5.0  # the broker is near; who enrols a device waits for this
# The plug-in writes its whole file at each command, and answers after the last of three.
REPLY_WAIT_S = 30.0
PAGE = 200  # clients in one answer: 30 kB, made in a few milliseconds
REPLIES_MAX = 200  # answers not looked at yet; those to other processes come here too
ROUND_MAX = 50  # repairs after which the registry is read again: it changes meanwhile
NEWS_MAX = 2_000  # as many as one command enrols
STOP_WAIT_S = 5.0  # as every part of the gateway is waited for
LOOK_EVERY_S = 1.0  # whether the broker was away: a number is compared, nothing is asked
RETRY_AFTER_S = 15.0  # when it could not be done: as often as everything else that is made up for
CHECK_EVERY_S = 60.0  # whatever was missed is found within this time
# What a rival did first, or what it undid: the next look sees to it.
RIVALS: Final = frozenset(
    {"Role already exists", "Client already exists", "Role not found", "Client not found"}
)


class Control:
    """One conversation with the plug-in, as a context.

    Raises:
        Unavailable: on entering, nobody answers there; from each question, no answer came.
    """

    def __init__(self, address: Address, ids: Ids) -> None:
        self._name = ids.new("control")
        self._numbers = count(1)
        self._replies: queue.Queue[bytes] = queue.Queue(REPLIES_MAX)
        self._link = MqttLink(
            lambda: address,
            client_id=self._name,
            subscriptions=[(f"{TOPIC}/response", 1)],
            on_message=self._hear,
        )

    def __enter__(self) -> Self:
        self._link.start()
        if not self._link.wait_online(CONNECT_WAIT_S):
            self._link.stop()
            msg = "Mosquitto's control topic cannot be reached: look at MOSQUITTO_CONTROL_URL"
            raise Unavailable(msg)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._link.stop()

    def present(self) -> Present:
        """Return what the plug-in has now, asked for page by page."""
        clients = {
            one["username"]: [role["rolename"] for role in one.get("roles", [])]
            for one in self._pages("listClients", "clients", verbose=True)
        }
        roles = [str(one) for one in self._pages("listRoles", "roles", verbose=False)]
        (answer,) = self.ask([{"command": "getDefaultACLAccess"}])
        access = {one["acltype"]: one["allow"] for one in answer["data"]["acls"]}
        return Present(clients, roles, access)

    def ask(self, commands: list[Json]) -> list[Json]:
        """Have the commands done one after the other; return the answer to each."""
        tag = f"{self._name}-{next(self._numbers)}"
        asked = [{**one, "correlationData": tag} for one in commands]
        self._link.publish(TOPIC, json.dumps({"commands": asked}).encode(), qos=1)
        until = time.monotonic() + REPLY_WAIT_S
        while True:
            try:
                payload = self._replies.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty as error:
                msg = f"Mosquitto's dynamic-security plug-in did not answer in {REPLY_WAIT_S:g} s"
                raise Unavailable(msg) from error
            answers: list[Json] = json.loads(payload).get("responses", [])
            if answers and answers[0].get("correlationData") == tag:
                return answers

    def _pages(self, command: str, what: str, *, verbose: bool) -> list[Any]:
        found: list[Any] = []
        while True:
            (answer,) = self.ask(
                [{"command": command, "verbose": verbose, "count": PAGE, "offset": len(found)}]
            )
            page = answer.get("data", {}).get(what, [])
            found += page
            if len(page) < PAGE:
                return found

    def _hear(self, message: Incoming) -> None:
        with suppress(queue.Full):  # then the question is asked again at the next look
            self._replies.put_nowait(message.payload)


def control_address(settings: MqttSettings) -> Address | None:
    """Return where the plug-in is spoken to, or None where rules are in files."""
    if not settings.mosquitto_control_url:
        return None
    return address_of(settings.mosquitto_control_url, "5", settings.mqtt_ca_file)


def tell_news(
    address: Address, ids: Ids, fresh: Sequence[DeviceAddress], gone: Sequence[DeviceAddress]
) -> None:
    """Make the rules of devices that were just enrolled, delete those of who was just revoked.

    Of those enrolled ``NEWS_MAX``; the gateway makes the rest.

    Raises:
        Unavailable: the broker or its plug-in does not answer.
    """
    if not fresh and not gone:
        return
    with Control(address, ids) as control:
        for commands in news(fresh[:NEWS_MAX], gone):
            _all_well(control.ask(commands))


def bring_in_step(
    engine: Engine, address: Address, ids: Ids, *, go_on: Callable[[], bool] = lambda: True
) -> int:
    """Make what is missing in the plug-in and delete what should not be; return how much was done.

    The registry is read after the plug-in: a device that another process has made
    meanwhile is in it, since rules are made after the commit.

    Raises:
        Unavailable: the broker or its plug-in does not answer.
    """
    done = 0
    with Control(address, ids) as control:
        while go_on():
            present = control.present()
            with reading(engine) as db:
                devices = addresses(db)
            made, well = 0, True
            for commands in islice(repairs(devices, present), ROUND_MAX):
                if not go_on():
                    return done
                made += 1
                done += 1
                well = _all_well(control.ask(commands)) and well
            if made < ROUND_MAX or not well:
                break
    return done


def _all_well(answers: list[Json]) -> bool:
    refused = {one["error"] for one in answers if "error" in one} - RIVALS
    for error in refused:
        logger.error("Mosquitto's dynamic-security plug-in refused a rule: %s", error)
    return not refused


class RuleKeeper:
    """A thread that looks after the plug-in's rules: after a reconnection, and every minute.

    ``connections`` counts the process's connections to the broker; it rises when the
    broker was away. ``is_ours`` says whether this process is the one to do it.
    """

    def __init__(
        self,
        engine: Engine,
        settings: MqttSettings,
        ids: Ids,
        *,
        connections: Callable[[], int],
        is_ours: Callable[[], bool],
    ) -> None:
        self._engine, self._ids = engine, ids
        address = control_address(settings)
        self._connections, self._is_ours = connections, is_ours
        self._stopping = threading.Event()
        self._thread = (
            threading.Thread(target=self._run, args=(address,), name="rules", daemon=True)
            if address
            else None
        )

    def start(self) -> None:
        """Begin, if the settings say how the plug-in is reached."""
        if self._thread:
            self._thread.start()

    def stop(self) -> None:
        """End after the command in hand, unless that hangs."""
        self._stopping.set()
        if self._thread and self._thread.is_alive():
            self._thread.join(STOP_WAIT_S)

    def _run(self, address: Address) -> None:
        seen, checked = -1, float("-inf")
        pause_s = 0.0
        while not self._stopping.wait(pause_s):
            pause_s = LOOK_EVERY_S
            now, present = time.monotonic(), self._connections()
            due = present != seen or now - checked >= CHECK_EVERY_S
            if not (due and present and self._is_ours()):
                continue
            if self._look(address):
                seen, checked = present, now
            else:
                pause_s = RETRY_AFTER_S

    def _look(self, address: Address) -> bool:
        try:
            done = bring_in_step(
                self._engine,
                address,
                self._ids,
                go_on=lambda: not self._stopping.is_set(),
            )
        except (Unavailable, SQLAlchemyError, OSError) as error:
            logger.warning("the rules at Mosquitto will be looked at again: %s", error)
            return False
        except Exception:  # the thread must not end; a broker of another version may say anything
            logger.exception("looking after the rules at Mosquitto")
            return False
        if done:
            logger.info("brought %d rules at Mosquitto in step with the registry", done)
        return True
