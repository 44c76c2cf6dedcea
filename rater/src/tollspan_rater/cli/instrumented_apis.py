"""The reference page of the APIs that the instrumentation meters, made from its tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from tollspan.forms import FORMS, Form, Stated
from tollspan.hosts import INCLUDE_USAGE_HOSTS, PROVIDERS
from tollspan.json_path import Path
from tollspan.routes import FETCH, ROUTES, Route

_HEAD: Final = """# What the instrumentation meters

A request is a call of a model by how its path ends, at whatever host: gateways, deployments and servers of one's own
need no configuration. The host names the provider, and decides between providers that use one path differently.

- At a host that no row below names, a request counts when it names a model, in its body or in its path.
- A path marked *unsure* is used by others, too: at an unknown host it makes a record only when the answer is the API's.
- `install(hosts={"*.llm.internal": "vllm"})` or `TOLLSPAN_HOSTS=*.llm.internal=vllm` names hosts of one's own.
- What fetches an answer that another request had made is recorded when it states usage. The rater makes one call of
  all fetches of a response and the request that made it.
- Everything else passes untouched. Models that are paid by the hour of a machine (SageMaker) are not metered.
"""
_FREE: Final = """
## Free of charge

These leave no record; Baggage and `x-tollspan-` headers are taken away from them, too.

"""
_READ: Final = """
## What is read in an answer

Of an answer only these places are read, and of a stream only the events that can hold them: the rest passes by. Places
are members joined by dots, `*` goes through a list. What the numbers mean [stands elsewhere](providers.md).

"""
_HOSTS: Final = f"""
## Hosts and providers

Chat streams of {", ".join(f"`{host}`" for host in sorted(INCLUDE_USAGE_HOSTS))} are asked for usage, and the chunk that
the application did not ask for is taken out again; `include_usage_hosts` changes the list.

"""


def page() -> str:
    """Return the page in Markdown."""
    return "".join((_HEAD, _routes(), _FREE, *_free(), _READ, *_read(), _HOSTS, *_hosts()))


def _routes() -> str:
    head = "\n| request | API | operation | provider, unless the host tells | notes |\n|---|---|---|---|---|\n"
    return head + "".join(
        f"| `{one.method} {_path(one)}` | `{one.api}` | `{one.operation}` | `{one.provider}` | {_notes(one)} |\n"
        for one in ROUTES
        if one.api is not None
    )


def _path(one: Route) -> str:
    return f"…{one.within}…{one.ending}" if one.within else f"…{one.ending}"


def _notes(one: Route) -> str:
    notes = {
        f"only at `{one.host_of}`": one.host_of,
        "unsure": one.unsure,
        "streams": one.streams,
        "fetches": one.operation == FETCH,
        f"results of a batch ({one.results})": one.results,
        f"when batches are metered by `{one.batch}`": one.batch,
    }
    return ", ".join(note for note, holds in notes.items() if holds)


def _free() -> Iterator[str]:
    return (f"- `{one.method} {_path(one)}`\n" for one in ROUTES if one.api is None)


def _read() -> Iterator[str]:
    yield "| API | response id | model | usage | beside it | the end of a stream |\n|---|---|---|---|---|---|\n"
    for api, form in FORMS.items():
        usage = ", ".join((*map(_stated, form.usage), *_summed(form), *(f"header `{name}`" for name in form.headers)))
        beside = ", ".join(f"`{tally.meter}`" for tally in form.tallies)
        yield f"| `{api}` | {_places(form.ids)} | {_places(form.models)} | {usage} | {beside} | {_ends(form)} |\n"


def _places(paths: Iterable[Path]) -> str:
    return ", ".join(f"`{'.'.join(path)}`" for path in paths)


def _stated(one: Stated) -> str:
    at = ".".join(one.at)
    members = ", ".join(f"`{at}.{member}`" if at else f"`{member}`" for member in sorted(one.members))
    return members or f"`{at}`"


def _summed(form: Form) -> Iterator[str]:
    return (f"sum of `{'.'.join(path)}`" for path in form.sums.values())


def _ends(form: Form) -> str:
    return ", ".join(f"`{member}: {value}`" if value else f"`{member}`" for member, value in form.ends)


def _hosts() -> Iterator[str]:
    yield "| host | provider |\n|---|---|\n"
    yield from (f"| `{pattern}` | `{provider}` |\n" for pattern, provider in PROVIDERS.items())
