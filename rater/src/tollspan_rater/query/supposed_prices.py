"""Prices that are not applied, as if they were: what ``pricing diff`` and ``pricing simulate`` rate with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tollspan_rater.errors import NotFoundError, UsageError
from tollspan_rater.pricing.book import PriceBook
from tollspan_rater.query.accounts import book_of, cost_book_of, cost_files
from tollspan_rater.query.scope import Scope
from tollspan_rater.store.state import LATEST, PriceVersion


def files_of(text: str) -> dict[str, str]:
    """Read the parameter of a question that holds a pricing folder: ``{file name: text}`` as JSON.

    Raises:
        UsageError: it is something else, or empty.
    """
    try:
        files = json.loads(text)
    except ValueError as error:
        raise UsageError(f"files is no JSON: {error}. Give {{file name: text}}.") from error
    if not files or not isinstance(files, dict) or not all(isinstance(value, str) for value in files.values()):
        raise UsageError("files must be a JSON object {file name: text} with at least one file")
    return files


def supposed(tenant: str, files: Mapping[str, str], since_ns: int = 0) -> PriceVersion:
    """Return a pricing folder as the version that it would be, recorded after all others.

    Raises:
        PricingError: a card, plan or contract in it is wrong.
    """
    cost_book_of(cost_files(files))
    version = PriceVersion(tenant, "", LATEST, 0, since_ns, "", "", dict(files))
    return replace(version, version=book(version).version)


def book(version: PriceVersion) -> PriceBook:
    """Return the cards and plans of a version."""
    return book_of(tuple(sorted(version.files.items())))


def applied_version(scope: Scope, name: str) -> PriceVersion:
    """Return the version of this name as it was applied last.

    Raises:
        NotFoundError: there is none.
    """
    found = [one for one in scope.accounts.versions if one.version == name]
    if not found:
        raise NotFoundError("price version", name, "tollspan pricing show lists them.")
    return found[-1]


def version_at(versions: Sequence[PriceVersion], instant_ns: int) -> PriceVersion | None:
    """Return the version that holds at an instant: of those valid by then the latest, of equals the last recorded."""
    holding = [one for one in versions if one.valid_from_ns <= instant_ns]
    return max(holding, key=lambda one: (one.valid_from_ns, one.position), default=None)


def under(scope: Scope, versions: Sequence[PriceVersion], plan: str | None = None) -> Scope:
    """Return the same usage under other price versions, all customers on one plan if one is given."""
    return replace(scope, accounts=scope.accounts.supposing(versions, plan))
