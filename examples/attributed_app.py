"""The same calls, said for whom: one line starts tollspan, ``attribute`` names the customer.

Run with TOLLSPAN_OTLP_ENDPOINT set, for example to http://localhost:4318.
"""

from openai import OpenAI

import tollspan


@tollspan.attribute(feature="support-chat")
def answer(client: OpenAI, question: str) -> str:
    reply = client.chat.completions.create(model="gpt-5-mini", messages=[{"role": "user", "content": question}])
    return reply.choices[0].message.content


def main() -> None:
    tollspan.install()
    client = OpenAI()
    for customer in ("acme", "globex"):
        with tollspan.attribute(customer=customer, environment="production", tags={"team": "support"}):
            print(customer, answer(client, "Where is my invoice?"))
            tollspan.record("document_page", 3)


if __name__ == "__main__":
    main()
