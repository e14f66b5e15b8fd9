"""Documents made from the code: ``make docs`` writes them, tests compare them.

``python -m tests.contracts.documents`` writes docs/asyncapi.yaml, docs/openapi.json,
docs/personal-data.md and docs/settings.md.
"""

import importlib
import inspect
import json
import pkgutil
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from gateway.asyncapi import document
from mobile_api.rights.registry import as_markdown
from mobile_api.settings import ApiSettings

DOCS: Final = Path(__file__).parents[2] / "docs"
PACKAGES: Final = ("cart", "inventory_api", "gateway", "mobile_api", "store_devices")
LINE_LENGTH: Final = 100


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as such, and no anchors."""

    def ignore_aliases(self, _data: Any) -> bool:  # noqa: ANN401 - as in the parent
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def asyncapi() -> str:
    """Return docs/asyncapi.yaml."""
    head = "# Made from gateway.wire by `make docs`; do not edit.\n"
    return head + yaml.dump(
        document(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=LINE_LENGTH
    )


def openapi() -> str:
    """Return docs/openapi.json."""
    with tempfile.TemporaryDirectory() as folder:
        made = importlib.import_module("mobile_api.app").create_app(
            ApiSettings(data_dir=Path(folder), secret_key="x" * 32)
        )
        return json.dumps(made.openapi(), indent=2, ensure_ascii=False) + "\n"


def personal_data() -> str:
    """Return docs/personal-data.md."""
    head = (
        "# Personal data: what is kept, what for, and how long\n\nMade from the registry"
        " (`mobile_api.rights.registry`) by `make docs`; do not edit."
        " See [privacy.md](privacy.md).\n\n"
    )
    return head + as_markdown()


def settings_classes() -> Iterator[type[BaseSettings]]:
    """Yield every class of settings in a module called ``…settings``, parents first."""
    found: list[type[BaseSettings]] = []
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if module.name.endswith("settings"):
                members = vars(importlib.import_module(module.name)).values()
                found += [
                    one
                    for one in members
                    if inspect.isclass(one)
                    and issubclass(one, BaseSettings)
                    and one.__module__ == module.name
                ]
    yield from sorted(
        found,
        key=lambda one: (PACKAGES.index(one.__module__.partition(".")[0]), len(one.__mro__)),
    )


def settings() -> str:
    """Return docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Every setting is an environment variable. Made from the code by `make docs`; do not edit.",
    ]
    for one in settings_classes():
        lines += ["", f"## {_title(one)}", "", _first_paragraph(one), ""]
        parents = [
            parent
            for parent in one.__mro__[1:]
            if issubclass(parent, BaseSettings) and parent.__module__.partition(".")[0] in PACKAGES
        ]
        if parents:
            names = " and ".join(_title(parent) for parent in parents)
            lines += [f"Besides these it reads everything under {names}.", ""]
        lines += ["| variable | value | default | meaning |", "|---|---|---|---|"]
        inherited = {name for parent in parents for name in parent.model_fields}
        prefix = str(one.model_config.get("env_prefix", ""))
        lines += [
            _row(prefix, name, field)
            for name, field in one.model_fields.items()
            if name not in inherited
        ]
    return "\n".join(lines) + "\n"


def _title(one: type[BaseSettings]) -> str:
    return f"`{one.__module__}.{one.__name__}`"


def _first_paragraph(one: type[BaseSettings]) -> str:
    paragraph = (inspect.getdoc(one) or "").partition("\n\n")[0]
    return " ".join(paragraph.replace("``", "`").split())


def _row(prefix: str, name: str, field: FieldInfo) -> str:
    variable = str(field.validation_alias or f"{prefix}{name}").upper()
    default = field.get_default(call_default_factory=True, validated_data={})
    shown = "required" if field.is_required() else f"`{default}`"
    if default in ("", None):
        shown = "empty"
    meaning = (field.description or "").replace("|", "\\|")
    return f"| `{variable}` | {_kind(field.annotation)} | {shown} | {meaning} |"


def _kind(annotation: Any) -> str:  # noqa: ANN401 - any annotation
    origin = get_origin(annotation)
    if origin is Literal:
        return " or ".join(f"`{value}`" if value else "empty" for value in get_args(annotation))
    if origin in (Union, UnionType):
        kinds = [_kind(one) for one in get_args(annotation) if one is not type(None)]
        return " or ".join(kinds)
    words = {"int": "number", "float": "number", "str": "text", "bool": "true or false"}
    name = getattr(annotation, "__name__", str(annotation))
    return words.get(name, name.lower())


DOCUMENTS: dict[str, Callable[[], str]] = {
    "asyncapi.yaml": asyncapi,
    "settings.md": settings,
    "personal-data.md": personal_data,
}
if find_spec("mobile_api.app"):
    DOCUMENTS["openapi.json"] = openapi


def main() -> None:
    """Write them all."""
    for name, make in DOCUMENTS.items():
        (DOCS / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
