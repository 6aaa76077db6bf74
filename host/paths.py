"""Where lualib/, service/ and cservice_py/ are: beside the package in a checkout, inside it when installed."""

from __future__ import annotations

from pathlib import Path

__all__ = ["CSERVICE", "LUALIB", "SERVICE"]

_PACKAGE = Path(__file__).resolve().parent


def _find(name: str) -> Path:
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


LUALIB = _find("lualib")
SERVICE = _find("service")
CSERVICE = _find("cservice_py")
