"""``tollspan dialects`` and the reference page of the dialects, both made from their tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import click

from tollspan_rater.cli.formats import printable
from tollspan_rater.cli.frame import UNUSABLE, example, wishes
from tollspan_rater.extract.dialects.registry import ALL
from tollspan_rater.extract.dialects.table import (
    FOREIGN_RAW,
    FRAMEWORK,
    FRAMEWORK_OTEL,
    NATIVE,
    OPENINFERENCE,
    OTEL,
    OWN,
    SDK_WRAPPER,
    UNKNOWN_SCOPE,
    Dialect,
)
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.render import MACHINE_FORMATS

_RANKS: Final[Mapping[int, str]] = {
    OWN: "tollspan's own",
    FOREIGN_RAW: "the provider's object, passed on",
    NATIVE: "the provider's own instrumentation",
    OTEL: "OpenTelemetry",
    UNKNOWN_SCOPE: "the conventions in an unknown scope",
    FRAMEWORK_OTEL: "a framework close to the conventions",
    SDK_WRAPPER: "a wrapper of the provider's SDK",
    OPENINFERENCE: "OpenInference and Langfuse",
    FRAMEWORK: "a framework",
}
_MODELS: Final[Mapping[str, str]] = {"all": "", "claude": " for Claude models", "gemini": " for Gemini models"}
_SAYS_NOTHING: Final = ("none", False, None, (), 0)
# Field of a table -> what its value means to a reader.
_SENTENCES: Final[Mapping[str, str]] = {
    "input_excludes_cache": "cache reads and writes are added to the input{models}{unless}",
    "output_excludes_reasoning": "reasoning is added to the output{models}",
    "cache_unsure": "unproved cache counts of Anthropic and Bedrock leave two readings: both are kept, ambiguous_input",
    "cache_untold": "without any cache count the input is a lower bound{models}: cache_untold",
    "tool_use_untold": "without a total the input is a lower bound, for tool use would not show: tool_use_untold",
    "stream_ends_with_finish": "a stream without a finish reason was aborted: a lower bound",
    "raw_has_finish": "an answer without a stop reason was aborted{models}: a lower bound",
    "placeholder": "fewer than {value} output tokens of a Claude answer without a finish reason are a lower bound",
    "answer_quality": "usage of an answer is {value}",
    "uncached_stream_quality": "usage of a stream without cache counts is {value}",
    "aggregate_quality": "usage of a container is {value}",
    "estimates": "usage of {value.method} calls of some models is estimated",
    "pending": "a pending version is superseded by the final one",
}
# What reading a span may flag: the names stand in ``proofs``, ``reading``, ``raw``, ``normal`` and ``extract``.
FLAGS: Final[Mapping[str, str]] = {
    "ambiguous_input": "the input may contain the cache or not; the other reading is `other_input` among the details",
    "cache_untold": "the input leaves the cache out, and nothing says how much was cached: a lower bound",
    "tool_use_untold": "tokens of tool-use prompts would not show: a lower bound",
    "zero_usage": "zeros where the provider said nothing: unmeasured",
    "dropped_attributes": "the sender's limits cut attributes off",
    "unallocated_tokens": "the total holds tokens that no count explains: a lower bound",
    "total_below_parts": "the total is smaller than its parts",
    "input_proved_exclusive": "the numbers prove that the input leaves the cache out, against the table",
    "input_proved_inclusive": "the numbers prove that the input contains the cache, against the table",
    "output_proved_exclusive": "the total proves that the output leaves reasoning out, against the table",
    "output_proved_inclusive": "the total proves that the output contains reasoning, against the table",
    "total_disagrees": "the total of the provider's object is no sum of its parts",
    "output_from_total": "the total of the provider's object holds output that has no count of its own",
    "unreadable_raw_usage": "the provider's object cannot be read; the attributes stand in",
    "unknown_raw_usage": "no known API writes such an object; the attributes stand in",
    "unknown_role": "usage on a span of unknown kind: it counts where no call below or above it does",
}
_HEAD: Final = """# Dialects

How the spans of each instrumentation are read, made from the tables in `rater/src/tollspan_rater/extract/dialects/`;
`tollspan dialects` prints the same. `explain` names the table that read a span as `NAME@VERSION`.

A span's scope decides; else an attribute that only one dialect writes; else the plain conventions (`semconv`), whose
names all tables know. Of several views of one call the one with the best rank counts.

What the numbers of a span prove goes before its table: cache counts larger than the input, or a total of input, output
and cache, show an input without its cache; the sum over modalities shows what input and output contain; of Gemini and
Grok models a total shows whether reasoning is in the output. A total of input and output proves nothing: many
instrumentations compute it. Each such proof is a flag on the call.

Usage on span events is not read: where an instrumentation writes it there (lists of messages and steps of an agent
service), it repeats what the span of the run states. Log records and metrics do not reach the rater.

Read by another's table: agno, smolagents and LlamaIndex by `openinference`; Bedrock AgentCore by `adot` and `strands`;
gateways that write the conventions, Portkey for one, by `semconv`; the OpenAI Agents SDK by `otel`, `traceloop` or
`openinference`, whichever instruments it. Attributes that a Collector normalised are read under the scope they came
from, by the names of the conventions.

What a table was made from: spans kept in the repository (recorded), a package run against a provider whose bill was
known (run), its source (code), its documentation (docs). [How to add one](../operating/dialects.md).
"""


def page() -> str:
    """Return the reference page in Markdown."""
    lines = [_HEAD.rstrip(), "", "| flag | meaning |", "|---|---|"]
    lines += [f"| `{flag}` | {meaning} |" for flag, meaning in FLAGS.items()]
    lines += [
        "",
        "A part that is larger than its whole is taken back: `PART_exceeds_WHOLE`.",
        "",
        "| dialect | version | from |",
        "|---|---|---|",
    ]
    lines += [f"| [{one.name}](#{_anchor(one.name)}) | {one.version} | {one.source} |" for one in _sorted()]
    for one in _sorted():
        lines += ["", f"## {one.name}", "", *(f"- {label}: {text}" for label, text in told(one, code="`"))]
    return "\n".join(lines) + "\n"


def told(dialect: Dialect, code: str = "") -> Iterator[tuple[str, str]]:
    """Yield what a table says, as pairs of a label and a sentence; ``code`` stands around names."""
    scopes = [*dialect.scopes, *(f"{prefix}*" for prefix in dialect.scope_prefixes)]
    limit = f" before {dialect.before}" if dialect.before else ""
    for label, names in (
        (f"scopes{limit}", scopes),
        ("attributes that tell it", [*dialect.markers, *dialect.families]),
    ):
        if names:
            yield label, ", ".join(f"{code}{name}{code}" for name in names)
    yield "rank", f"{dialect.rank}, {_rank(dialect)}"
    yield "made from", dialect.source
    for rule in _rules(dialect):
        yield "rule", rule
    for trap in dialect.traps:
        yield "trap", trap
    for name, reason in dialect.ignored.items():
        yield "not usage", f"{code}{name}{code}: {reason}"


@click.command(
    help="How the spans of each instrumentation are read: rules, traps, and what the tables were made from.\n\n"
    + example("tollspan dialects traceloop.anthropic"),
)
@click.argument("name", required=False)
@click.pass_context
def dialects(context: click.Context, name: str | None) -> None:
    """Print all tables, or one."""
    chosen = [one for one in _sorted() if name in {None, one.name}]
    if not chosen:
        click.echo(f"No dialect is called {printable(name or '')}. `tollspan dialects` lists them.", err=True)
        context.exit(UNUSABLE)
    wished = wishes(context)
    if wished.format != "table":
        click.echo(MACHINE_FORMATS[wished.format](_answer(chosen)), nl=False)
    elif name is None:
        width = max(len(one.name) for one in chosen)
        click.echo("\n".join(f"{one.name:{width}}  {one.source}" for one in chosen))
    else:
        click.echo("\n".join([chosen[0].label, *(f"  {label}: {text}" for label, text in told(chosen[0]))]))


def _answer(chosen: list[Dialect]) -> Answer:
    rows: list[Mapping[str, Cell]] = [
        {
            "dialect": one.name,
            "version": one.version,
            "rank": one.rank,
            "scopes": [*one.scopes, *(f"{prefix}*" for prefix in one.scope_prefixes)],
            "source": one.source,
            "rules": list(_rules(one)),
            "traps": list(one.traps),
        }
        for one in chosen
    ]
    return Answer("dialects", list(rows[0]), rows, as_of=0)


def _sorted() -> list[Dialect]:
    return sorted(ALL, key=lambda one: one.name)


def _anchor(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum() or char in "-_")


def _rank(dialect: Dialect) -> str:
    known = max(rank for rank in _RANKS if rank <= dialect.rank)
    return _RANKS[known]


def _rules(dialect: Dialect) -> Iterator[str]:
    """Yield the rules of a table that differ from the conventions."""
    unless = f", unless {dialect.inclusive_if} is there" if dialect.inclusive_if else ""
    for name, sentence in _SENTENCES.items():
        value = getattr(dialect, name)
        if value not in _SAYS_NOTHING:
            yield sentence.format(value=value, models=_MODELS.get(str(value), ""), unless=unless)
    for raw in dialect.raw:
        yield f"the provider's usage object in {raw.key} goes before all attributes"
