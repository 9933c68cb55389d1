"""firstlight: deep learning from the first gradient to the first caption.

The data and the metrics need no framework; Keras is loaded on first use of a system (PEP 562).
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"
__all__ = ["__version__", "data", "engine", "metrics", "systems"]

_PACKAGES = ("data", "engine", "metrics", "systems")


def __getattr__(name: str) -> ModuleType:
    """Load a sub-package when it is first asked for, so that `import firstlight` stays fast."""
    if name in _PACKAGES:
        return import_module(f"firstlight.{name}")
    raise AttributeError(f"Module 'firstlight' has no attribute {name!r}. It has: {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted(__all__)
