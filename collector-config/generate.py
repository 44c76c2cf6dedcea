"""Writes the attribute list of collector.yaml from the tables that the rater's extraction reads.

::

    uv run collector-config/generate.py            rewrite collector.yaml
    uv run collector-config/generate.py --check    exit 1 when collector.yaml is not what this would write
    uv run collector-config/generate.py --meters meters.yaml    let pass what these span rules look at, too

The Collector lets an attribute pass when the extraction reads it (``KEPT_KEYS``, ``KEPT_PREFIXES``), or when it
is content inside of which the rater looks for ids and usage (``REDUCED_KEYS``). Everything else is removed.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from tollspan_rater.extract.attributes import (
    CONTENT_KEYS,
    CONTENT_PREFIXES,
    KEPT_KEYS,
    KEPT_PREFIXES,
    REDUCED_KEYS,
)
from tollspan_rater.extract.rule_file import load
from tollspan_rater.extract.span_rule import NO_RULES

CONFIG = Path(__file__).with_name("collector.yaml")
BEGIN, END = "# --- begin: written by generate.py ---", "# --- end: written by generate.py ---"


def alternatives(keys: Iterable[str], prefixes: Iterable[str], spared: Iterable[str] = ()) -> list[str]:
    """Return RE2 alternatives, sorted: ``a[.]b$`` for a key, ``a[.]`` for a prefix.

    ``spared`` keys do not match although they begin with one of the prefixes.
    Punctuation stands in brackets because a backslash would have to survive YAML and OTTL.
    """
    exact = [_literal(key) + "$" for key in sorted(keys)]
    kept = sorted(spared)
    starts = []
    for prefix in sorted(prefixes):
        rests = [key.removeprefix(prefix) for key in kept if key.startswith(prefix)]
        starts.append(_literal(prefix) + (other_than(rests) if rests else ""))
    return exact + starts


def other_than(words: list[str]) -> str:
    """Return an RE2 expression for any rest of a key but some words; RE2 has no look-ahead to say so."""
    heads = sorted({word[0] for word in words if word})
    ways = [] if "" in words else ["$"]
    ways.append(f"[^{''.join(heads)}]" if heads else ".")
    ways += [_literal(head) + other_than([word[1:] for word in words if word[:1] == head]) for head in heads]
    return f"(?:{'|'.join(ways)})"


def statement(anchor: str, function: str, parts: list[str]) -> str:
    """Return one OTTL statement as an anchored YAML item, one alternative a line."""
    lines = "|\\\n".join(f"  {part}" for part in parts)
    return f'- &{anchor} "{function}(attributes, \\"^(\\\n{lines}\\\n  )\\")"'


def attribute_statements(also: frozenset[str] = frozenset()) -> str:
    """Return the two statements: remove content first, then keep what is known, and what is named ``also``."""
    drop = alternatives(CONTENT_KEYS - REDUCED_KEYS, CONTENT_PREFIXES, KEPT_KEYS)
    keep = alternatives(KEPT_KEYS | REDUCED_KEYS | also, KEPT_PREFIXES)
    return "\n".join(
        [
            statement("drop_content", "delete_matching_keys", drop),
            statement("keep_known", "keep_matching_keys", keep),
        ],
    )


def regenerated(config: str, also: frozenset[str] = frozenset()) -> str:
    """Return the text of a configuration with the part between the markers written anew, at their indentation.

    Raises:
        ValueError: the markers are missing.
    """
    block = re.compile(rf"^( *){re.escape(BEGIN)}\n.*?^ *{re.escape(END)}$", re.DOTALL | re.MULTILINE)
    found = block.search(config)
    if found is None:
        raise ValueError(f"no {BEGIN!r} ... {END!r} found; put both lines where the statements belong")
    indent = found[1]
    lines = [BEGIN, *attribute_statements(also).splitlines(), END]
    return config[: found.start()] + "\n".join(indent + line for line in lines) + config[found.end() :]


def main(arguments: list[str]) -> int:
    """Rewrite collector.yaml, or with ``--check`` only compare; return the exit code."""
    parser = argparse.ArgumentParser(description="Write the attribute list of collector.yaml.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when the file is out of date")
    parser.add_argument("--meters", type=Path, help="a file of span rules whose attributes are to pass, too")
    options = parser.parse_args(arguments)
    also = NO_RULES.keys
    if options.meters is not None:
        also = load(options.meters.name, options.meters.read_text(encoding="utf-8")).keys
    committed = CONFIG.read_text(encoding="utf-8")
    wanted = regenerated(committed, also)
    if options.check and wanted != committed:
        print(f"{CONFIG.name} does not match the attribute tables. Run: uv run collector-config/generate.py")
        return 1
    if not options.check:
        CONFIG.write_text(wanted, encoding="utf-8")
    return 0


def _literal(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", lambda found: f"[{found[0]}]", text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
