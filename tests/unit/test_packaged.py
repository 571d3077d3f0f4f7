"""A package of Convenor (`pip install .`) holds every file that it needs when it runs."""

from __future__ import annotations

import fnmatch
import tomllib
from pathlib import Path

from app import schema
from app.operations import publishing

ROOT = Path(__file__).parents[2]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
BESIDE = (schema.FOLDER, *publishing.SHIPPED)


def test_what_is_looked_for_beside_the_code_is_packaged_beside_it() -> None:
    packages = SETUPTOOLS["packages"]["find"]["include"]
    assert {folder.parent for folder in BESIDE} == {ROOT}
    assert {f"{folder.name}*" for folder in BESIDE} <= set(packages)


def test_every_file_is_packaged() -> None:
    data: dict[str, list[str]] = SETUPTOOLS["package-data"]
    left_out = [
        str(path.relative_to(ROOT))
        for folder in (ROOT / "app", *BESIDE)
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix not in (".py", ".pyc")
        and not any(
            fnmatch.fnmatch(str(path.relative_to(folder)), pattern.replace("**/", "*")) for pattern in data[folder.name]
        )
    ]
    assert left_out == []
