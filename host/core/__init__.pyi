# The modules here are extensions without stubs of their own.
from typing import Any

def __getattr__(name: str) -> Any: ...
