"""The release that rates: a later one may rate differently."""

from importlib.metadata import version
from typing import Final

RELEASE: Final = version("tollspan-rater")
