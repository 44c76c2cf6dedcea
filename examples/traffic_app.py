"""A small service under load, for docker-compose.yml: three customers ask for answers, letters and summaries.

TRAFFIC_CALLS ends it after so many requests (0: never), TRAFFIC_PAUSE_SECONDS is the time between two.
Where the SDKs send their requests, and where tollspan sends its records, the environment says.
"""

import os
import time
from itertools import count

from anthropic import Anthropic
from openai import OpenAI

import tollspan

CUSTOMERS = ("acme", "globex", "acme", "initech", "acme")


@tollspan.attribute(feature="support chat", prompt="support", prompt_version="3")
def answer(text: str) -> None:
    OpenAI().chat.completions.create(model="gpt-4.1-mini", messages=[{"role": "user", "content": text}])


@tollspan.attribute(feature="letters", prompt="letter", prompt_version="1")
def letter(text: str) -> None:
    said = [{"role": "user", "content": text}]
    with Anthropic().messages.stream(model="claude-haiku-5-5", max_tokens=512, messages=said) as stream:
        for _part in stream.text_stream:
            pass


@tollspan.attribute(feature="summaries", prompt="summary", prompt_version="2")
def summary(text: str) -> None:
    for _event in OpenAI().responses.create(model="gpt-4o-mini", input=text, stream=True):
        pass


FEATURES = (answer, letter, summary)


def main() -> None:
    tollspan.install()
    calls, pause = int(os.environ.get("TRAFFIC_CALLS", "0")), float(os.environ.get("TRAFFIC_PAUSE_SECONDS", "2"))
    for number in range(calls) if calls else count():
        customer = CUSTOMERS[number % len(CUSTOMERS)]
        with tollspan.attribute(customer=customer, user=f"{customer}-{number % 7}"):
            FEATURES[number % len(FEATURES)](f"Question {number} of {customer}: what did this month cost?")
        time.sleep(pause)
    tollspan.flush(20)


if __name__ == "__main__":
    main()
