"""A forked child has copies of its parent's open streams: they are the parent's to tell of."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from tests.instrumentation.test_entry_point import environment, run

PROGRAM = """
import gc, os, sys, requests, tollspan
tollspan.install()
body = {"model": "gpt-4o", "messages": [], "stream": True, "stream_options": {"include_usage": True}}
answer = requests.post(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json=body, stream=True, timeout=9)
lines = answer.iter_lines()
next(lines)
child = os.fork()
if child == 0:
    CHILD
assert os.waitpid(child, 0)[1] == 0
assert [line for line in lines if line][-1] == b"data: [DONE]"
"""
CHILDREN = {
    "ends": "sys.exit(0)",
    "drops it": "del answer, lines; gc.collect(); tollspan.flush(5); os._exit(0)",
    "calls on its own": "requests.post(answer.url, json={**body, 'stream': False}, timeout=9); sys.exit(0)",
}


@pytest.mark.parametrize("child", CHILDREN)
def test_an_open_stream_is_told_of_once_by_the_parent(child: str, provider: Any, sink: Any) -> None:
    run([sys.executable, "-c", PROGRAM.replace("CHILD", CHILDREN[child])], environment(provider, sink))
    own = [("complete", "exact")] if "own" in child else []
    outcomes = [(span["tollspan.outcome"], span["tollspan.quality"]) for span in sink.spans]
    assert outcomes == [("complete", "exact"), *own]
