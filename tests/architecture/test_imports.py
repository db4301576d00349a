"""Which way imports go, and what may be imported where. The rules stand in tables; the code reads the syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "amongo"

# Higher floors import lower ones, and never the other way; rooms of one floor never import each other.
FLOORS = [
    {"errors", "runtime"},
    {"values"},
    {"engine", "mql"},
    {"planner"},
    {"aggregate"},
    {"streams"},
    {"commands"},
    {"client"},
    {"server", "dashboard", "sync", "integrations"},
    {"cli"},
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

# A library and the only rooms that may import it.
CONFINED = {
    "duckdb": ("aggregate/relational", "values/collation/duckdb_keys.py"),
    "icu": ("values/collation/icu_keys.py",),
    "pyarrow": ("aggregate/relational", "cli/transfer/parquet", "engine/columns", "engine/snapshots"),
    "threading": ("runtime",),
    "concurrent": ("runtime",),
    "_thread": ("runtime",),
    "multiprocessing": (),
    "asyncio": ("runtime",),
    "trio": ("runtime",),
    "fastapi": ("integrations/fastapi.py",),
    "starlette": ("integrations",),
    "typer": ("cli",),
    "rich": ("cli",),
    "google_crc32c": ("server",),
    "fastcrc": ("cli",),
}


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def imports(path: Path, *, with_type_checking: bool = True) -> Iterator[str]:
    """Dotted names of everything that a module imports, at its top and inside functions."""
    for node in ast.walk(_tree(path, with_type_checking)):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            for name in node.names:
                yield f"{node.module}.{name.name}"


def _tree(path: Path, with_type_checking: bool) -> ast.Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not with_type_checking:
        tree.body = [
            node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        ]
    return tree


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down(path: Path) -> None:
    here = room(path)
    if here == "__init__":
        return
    assert here in FLOOR_OF, f"{here} stands on no floor"
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "amongo" or len(parts) == 1 or parts[1] == here:
            continue
        assert parts[1] in FLOOR_OF, f"{path} imports {name}, a room on no floor"
        assert FLOOR_OF[parts[1]] < FLOOR_OF[here], f"{path} imports {name}, which is not below {here}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_confined_libraries_stay_where_they_belong(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    for name in imports(path):
        allowed = CONFINED.get(name.partition(".")[0])
        if allowed is not None:
            assert place.startswith(allowed), f"{place} imports {name}"
        assert not name.startswith(("anyio.to_thread", "anyio.from_thread")), f"{place} imports {name}"


def test_no_import_cycles() -> None:
    known = {module_name(path): path for path in modules()}
    graph = {
        name: {_longest_known(target, known) for target in imports(path, with_type_checking=False)} - {name, None}
        for name, path in known.items()
    }
    finished: set[str] = set()

    def visit(name: str, trail: list[str]) -> None:
        assert name not in trail, "import cycle: " + " -> ".join([*trail[trail.index(name) :], name])
        if name not in finished:
            for target in sorted(filter(None, graph[name])):
                visit(target, [*trail, name])
            finished.add(name)

    for name in graph:
        visit(name, [])


def module_name(path: Path) -> str:
    return ".".join(["amongo", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")


def _longest_known(target: str, known: dict[str, Path]) -> str | None:
    while target and target not in known:
        target = target.rpartition(".")[0]
    return target or None


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_tells_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path} has no docstring"


def test_no_vague_names() -> None:
    vague = {"util", "utils", "helper", "helpers", "manager", "common", "data", "info", "misc"}
    for path in ROOT.rglob("*"):
        if (path.is_dir() or path.suffix == ".py") and path.parent.name != "commands":  # named by MongoDB
            assert not vague & set(path.stem.lower().split("_")), f"{path} has a name that says nothing"


def test_every_module_is_used() -> None:
    """A module that nothing imports is dead, unless it is a way in."""
    ways_in = {"amongo", "amongo.cli", "amongo.integrations.fastapi", "amongo.integrations.starlette"}
    ways_in |= {"amongo.integrations.pytest", "amongo.integrations.gridfs"}
    known = {module_name(path): path for path in modules()}
    used = {_longest_known(target, known) for name, path in known.items() for target in imports(path) if target != name}
    dead = {name for name in known if name not in used and name not in ways_in and not _is_run_by_name(known[name])}
    assert not dead


def _is_run_by_name(path: Path) -> bool:
    return path.name in ("__init__.py", "__main__.py") or '__name__ == "__main__"' in path.read_text(encoding="utf-8")
