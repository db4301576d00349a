"""buildInfo: which server this is. amongo reports the version of MongoDB whose behaviour it follows."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields
from amongo.runtime.limits import DOCUMENT_BYTES

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

SERVER_VERSION: Final = "8.0.0"
STORAGE_ENGINE: Final = "amongo"


@dataclass(frozen=True, slots=True)
class BuildInfoRequest:
    """Nothing is asked."""


def parse(database: str, document: dict[str, Any]) -> BuildInfoRequest:
    """The request of a `buildInfo` document.

    errors   UNKNOWN_FIELD
    source   manual, buildInfo
    """
    parse_fields(next(iter(document)), document, {})
    return BuildInfoRequest()


def run(instance: Instance, request: BuildInfoRequest, context: Context) -> dict[str, Any]:
    """Version, modules and platform."""
    return {
        "version": SERVER_VERSION,
        "gitVersion": f"amongo {own_version()}",
        "modules": [],
        "allocator": "system",
        "javascriptEngine": "none",
        "sysInfo": "deprecated",
        "versionArray": [*map(int, SERVER_VERSION.split(".")), 0],
        "openssl": {},
        "buildEnvironment": {
            "target_arch": platform.machine(),
            "target_os": sys.platform,
            "python": platform.python_version(),
        },
        "bits": 64 if sys.maxsize > 2**32 else 32,
        "debug": False,
        "maxBsonObjectSize": DOCUMENT_BYTES,
        "storageEngines": [STORAGE_ENGINE],
        "ok": 1.0,
    }


def own_version() -> str:
    """The version of the installed amongo package."""
    try:
        return version("amongo")
    except PackageNotFoundError:
        return "unknown"


COMMAND = Command("buildInfo", parse, run, aliases=("buildinfo",))
