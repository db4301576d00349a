"""The types of the blocking classes: writes `__init__.pyi` from the source of the async classes.

    python -m amongo.client.sync.stubs          write the file anew

Every public method of an async class is written as the derivation makes it: not a coroutine, with the blocking classes
in place of the async ones. A test compares the file with what this module would write.
"""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from pymongo.common import BaseObject

from amongo.client import sync
from amongo.client.sync.derivation import _KEPT_DUNDERS, _LEFT_OUT, _RENAMED

TARGET = Path(__file__).with_name("__init__.pyi")
_HEADER = '"""Written by `python -m amongo.client.sync.stubs`; the test of the client keeps it current."""\n'
_SHOWN_DUNDERS = _KEPT_DUNDERS | {"__getattr__"}
_KEPT_DECORATORS = {"property", "overload", "staticmethod"}
_TYPE_NAMES = {"AbstractAsyncContextManager": "AbstractContextManager"}
_BLOCKING_NAMES = {name for name, value in vars(sync).items() if "_async_class" in getattr(value, "__dict__", ())}
_CURSOR_ITEMS = """
@overload
def __getitem__(self, index: int) -> _DocumentType: ...
@overload
def __getitem__(self, index: slice) -> Self: ...
"""


def stub() -> str:
    """The text of `__init__.pyi`."""
    modules: dict[str, ast.Module] = {}
    classes = [_class_stub(name, getattr(sync, name), modules) for name in sorted(_BLOCKING_NAMES)]
    body: list[ast.stmt] = [*classes, *ast.parse(f"__all__ = {sync.__all__!r}").body]
    names = {node.id for part in body for node in ast.walk(part) if isinstance(node, ast.Name)}
    aliases = _aliases(modules, names)
    for alias in aliases:
        names |= {node.id for node in ast.walk(alias) if isinstance(node, ast.Name)}
    tree = ast.Module([*_imports(modules, names), *aliases, *body], [])
    return _formatted(_HEADER + ast.unparse(ast.fix_missing_locations(tree)))


def _class_stub(name: str, blocking: Any, modules: dict[str, ast.Module]) -> ast.ClassDef:
    members: dict[str, list[ast.stmt]] = {}
    for owner in blocking._async_class.__mro__:
        if owner is not BaseObject and not owner.__module__.startswith("amongo."):
            continue
        module = sys.modules[owner.__module__]
        modules.setdefault(owner.__module__, ast.parse(inspect.getsource(module)))
        definition = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
        assert isinstance(definition, ast.ClassDef)
        for member, statements in _members(definition).items():
            members.setdefault(member, statements)
    if name == "Cursor":
        members["__getitem__"] = ast.parse(_CURSOR_ITEMS).body
    is_generic = "__parameters__" in dir(blocking._async_class)
    bases = "(Generic[_DocumentType])" if is_generic else ""
    shell = ast.parse(f"class {name}{bases}: ...").body[0]
    assert isinstance(shell, ast.ClassDef)
    shell.body = [statement for statements in members.values() for statement in statements] or shell.body
    return shell


def _members(definition: ast.ClassDef) -> dict[str, list[ast.stmt]]:
    """The public members of one class body, as stubs; overloads without their implementation."""
    found: dict[str, list[ast.stmt]] = {}
    for statement in definition.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if _is_shown(statement.name):
                function = _function_stub(statement)
                earlier = found.setdefault(function.name, [])
                if not earlier or _is_overload(function):
                    earlier.append(function)
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            if _is_shown(name) or name == "__iter__":
                found[_RENAMED.get(name, name)] = [_attribute_stub(_RENAMED.get(name, name), statement.value)]
    return found


def _is_shown(name: str) -> bool:
    return name not in _LEFT_OUT and (not name.startswith("_") or name in _SHOWN_DUNDERS or name in _RENAMED)


def _is_overload(function: ast.FunctionDef) -> bool:
    return any(isinstance(decorator, ast.Name) and decorator.id == "overload" for decorator in function.decorator_list)


class _BlockingNames(ast.NodeTransformer):
    """Async names become blocking ones; `Awaitable[T]` becomes T."""

    def visit_Name(self, node: ast.Name) -> ast.Name:
        name = _TYPE_NAMES.get(node.id, node.id)
        blocking = name.removeprefix("Async")
        return ast.Name(blocking if blocking != name and blocking in _BLOCKING_NAMES else name, node.ctx)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "Awaitable":
            return self.generic_visit(node.slice)
        return self.generic_visit(node)


def _function_stub(source: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.FunctionDef:
    arguments = source.args
    arguments.defaults = [_default_stub(default) for default in arguments.defaults]
    arguments.kw_defaults = [default and _default_stub(default) for default in arguments.kw_defaults]
    decorators: list[ast.expr] = [
        decorator
        for decorator in source.decorator_list
        if isinstance(decorator, ast.Name) and decorator.id in _KEPT_DECORATORS
    ]
    function = ast.FunctionDef(
        name=_RENAMED.get(source.name, source.name),
        args=arguments,
        body=[ast.Expr(ast.Constant(...))],
        decorator_list=decorators,
        returns=source.returns,
    )
    stubbed: ast.FunctionDef = _BlockingNames().visit(function)
    return stubbed


def _default_stub(default: ast.expr) -> ast.expr:
    return default if isinstance(default, ast.Constant) else ast.Constant(...)


def _attribute_stub(name: str, value: ast.expr) -> ast.stmt:
    if isinstance(value, ast.Constant):
        kind = "None" if value.value is None else type(value.value).__name__
        return ast.parse(f"{name}: {kind}").body[0]
    return ast.parse(f"{name} = {ast.unparse(value)}").body[0]


def _aliases(modules: dict[str, ast.Module], names: set[str]) -> list[ast.stmt]:
    """The type aliases and type variables of the source modules that the stub uses, each before its users."""
    assigned: dict[str, list[ast.stmt]] = {}
    for tree in modules.values():
        for statement in tree.body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                assigned.setdefault(statement.targets[0].id, []).append(statement)
    found: dict[str, ast.stmt] = {}

    def use(name: str) -> None:
        if name in assigned and name not in found:
            assert len({ast.dump(statement) for statement in assigned[name]}) == 1, f"two aliases are named {name}"
            statement = assigned[name][0]
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and node.id != name:
                    use(node.id)
            found[name] = statement

    for name in sorted(names - {"__all__"}):
        use(name)
    return list(found.values())


def _imports(modules: dict[str, ast.Module], names: set[str]) -> list[ast.stmt]:
    """The imports of the source modules that bring names the stub uses."""
    found = {"AbstractContextManager": "contextlib", "overload": "typing", "Self": "typing"}
    for origin, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found[node.name] = origin
            elif isinstance(node, ast.ImportFrom) and node.module and node.module != "__future__":
                for alias in node.names:  # amongo's own modules say best where a name comes from
                    if node.module.startswith("amongo.") or alias.name not in found:
                        found[alias.name] = node.module
    wanted: dict[str, set[str]] = {}
    for name, module in found.items():
        if name in names and name not in _BLOCKING_NAMES:
            wanted.setdefault(module, set()).add(name)
    return [
        ast.ImportFrom(module, [ast.alias(name) for name in sorted(wanted[module])], 0) for module in sorted(wanted)
    ]


def _formatted(text: str) -> str:
    for command in (["check", "--fix", "--quiet", "--select", "I"], ["format", "--quiet"]):
        run = subprocess.run(
            ["ruff", *command, "--stdin-filename", str(TARGET), "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            executable=str(Path(sys.executable).with_name("ruff")),
        )
        text = run.stdout
    return text


if __name__ == "__main__":
    TARGET.write_text(stub(), encoding="utf-8")
