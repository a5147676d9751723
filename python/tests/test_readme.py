"""The README's example runs, and the docstrings' do."""

import doctest
import importlib
import pathlib
import pkgutil
import re

import pytest

import gaptooth

README = pathlib.Path(__file__).parents[1] / "README.md"
MODULES = ["gaptooth"] + [f"gaptooth.{m.name}" for m in pkgutil.iter_modules(gaptooth.__path__) if m.name != "_core"]


def test_the_example_runs(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    exec(compile(code, str(README), "exec"), {})
    said = capsys.readouterr().out
    assert "<= a* <=" in said and "1.93535923" in said and "xarray.Dataset" in said


@pytest.mark.parametrize("name", [n for n in gaptooth.__all__ if n not in ("GaptoothError", "__version__")])
def test_everything_public_is_explained_with_an_example(name):
    thing = getattr(gaptooth, name)
    assert ">>>" in thing.__doc__, f"{name} has no example"
    for member, value in vars(thing).items() if isinstance(thing, type) else ():
        if not member.startswith("_") and (callable(value) or isinstance(value, property)):
            assert value.__doc__, f"{name}.{member} is not explained"


@pytest.mark.parametrize("module", MODULES)
def test_docstrings(module):
    found = doctest.testmod(importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert found.failed == 0
