"""What each device may do, as roles of Mosquitto's dynamic-security plug-in. Pure.

The rules are those of ``gateway.wire.topics``. A role's name says all that is in it, so that
names are enough to see whether the plug-in has what the registry says. What has another
name, an operator's own, is left alone.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.wire.topics import DOWN, ROOT, UP, Channel, DeviceAddress

Json = dict[str, Any]

OURS: Final = "carryover:"  # how the names of our roles begin
# Rises when what follows changes: then every role has another name and is made anew.
VERSION: Final = 1
STOCK: Final = f"{OURS}{VERSION}:stock"  # of all devices
# What is not allowed is not: also what a session subscribed to under other rules.
DEFAULT_ACCESS: Final = {
    "publishClientSend": False,
    "publishClientReceive": False,
    "subscribe": False,
    "unsubscribe": True,
}


@dataclass(frozen=True, slots=True)
class Present:
    """What the plug-in has: each client's roles, all roles, and what is allowed by default."""

    clients: Mapping[str, Collection[str]]
    roles: Collection[str]
    default_access: Mapping[str, bool]


def role_name(device: DeviceAddress) -> str:
    """Return the name of a device's own role: its address on the broker."""
    return f"{OURS}{VERSION}:{device.partition}/{device.location_id}/{device.device_id}"


def whole_file(devices: Collection[DeviceAddress], before: Json) -> Json:
    """Return the plug-in's file; of ``before`` clients, groups and roles stay that are not ours."""
    ours = {device.device_id for device in devices}
    clients = [
        one
        for one in before.get("clients", [])
        if one["username"] not in ours
        and not any(role["rolename"].startswith(OURS) for role in one.get("roles", []))
    ]
    roles = [one for one in before.get("roles", []) if not one["rolename"].startswith(OURS)]
    return {
        "defaultACLAccess": DEFAULT_ACCESS,
        "clients": [*map(_client, devices), *clients],
        "groups": before.get("groups", []),
        "roles": [_stock_role(), *map(_role, devices), *roles],
    }


def news(fresh: Iterable[DeviceAddress], gone: Iterable[DeviceAddress]) -> Iterator[list[Json]]:
    """Yield the commands for devices that were just revoked, then for those just enrolled."""
    for device in gone:
        yield [
            {"command": "deleteClient", "username": device.device_id},
            {"command": "deleteRole", "rolename": role_name(device)},
        ]
    for device in fresh:
        yield [
            {"command": "createRole", **_role(device)},
            {"command": "createClient", **_client(device)},
        ]


def repairs(devices: Collection[DeviceAddress], present: Present) -> Iterator[list[Json]]:
    """Yield the commands that bring the plug-in to what the registry says, some at a time.

    What should not be goes first. A device that gets rules is disconnected: it may have
    come without them, and what it was refused it asks for only once.
    """
    wanted = {role_name(device) for device in devices} | {STOCK}
    if dict(present.default_access) != DEFAULT_ACCESS:
        acls = [{"acltype": word, "allow": allow} for word, allow in DEFAULT_ACCESS.items()]
        yield [{"command": "setDefaultACLAccess", "acls": acls}]
    known = {device.device_id for device in devices}
    for username, roles in present.clients.items():
        if username not in known and any(role.startswith(OURS) for role in roles):
            yield [{"command": "deleteClient", "username": username}]
    for role in present.roles:
        if role.startswith(OURS) and role not in wanted:
            yield [{"command": "deleteRole", "rolename": role}]
    if STOCK not in present.roles:
        yield [{"command": "createRole", **_stock_role()}]
    for device in devices:
        if commands := list(_for_device(device, present)):
            yield commands


def _for_device(device: DeviceAddress, present: Present) -> Iterator[Json]:
    if role_name(device) not in present.roles:
        yield {"command": "createRole", **_role(device)}
    client = _client(device)
    has = present.clients.get(device.device_id)
    if has is None:
        yield {"command": "createClient", **client}
    elif {role for role in has if role.startswith(OURS)} == {role_name(device), STOCK}:
        return
    theirs = [{"rolename": role} for role in has or () if not role.startswith(OURS)]
    # It also ends the client's connection.
    yield {"command": "modifyClient", **client, "roles": [*client["roles"], *theirs]}


def _client(device: DeviceAddress) -> Json:
    """Without a password: that is asked of the listener's password file."""
    roles = [{"rolename": role_name(device)}, {"rolename": STOCK}]
    return {"username": device.device_id, "roles": roles}


def _role(device: DeviceAddress) -> Json:
    acls = [_allowed("publishClientSend", device.topic(channel)) for channel in UP]
    # It may hear its own status, to see that no other uses its name.
    for channel in (*DOWN, Channel.STATUS):
        topic = device.topic(channel)
        acls += [_allowed("subscribeLiteral", topic), _allowed("publishClientReceive", topic)]
    return {"rolename": role_name(device), "acls": acls}


def _stock_role() -> Json:
    topic = f"{ROOT}/stock/+"
    words = ("subscribePattern", "publishClientReceive")
    return {"rolename": STOCK, "acls": [_allowed(word, topic) for word in words]}


def _allowed(word: str, topic: str) -> Json:
    return {"acltype": word, "topic": topic, "priority": 0, "allow": True}
