"""Google's Agent Development Kit with its own spans, on Gemini."""

import os

os.environ["GOOGLE_API_KEY"] = "made-up"

import case
from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.models.google_llm import Gemini
from google.adk.runners import InMemoryRunner
from google.genai import types

provider = case.tracer_provider()


def weather(place: str) -> str:
    """Return the weather of a place."""
    return f"rain in {place}"


async def ask(url: str, *tools: object, streaming: bool = False) -> None:
    """Run an agent once."""
    model = Gemini(model="gemini-2.5-pro", base_url=url)
    runner = InMemoryRunner(LlmAgent(name="asker", model=model, tools=list(tools)), app_name="conformance")
    session = await runner.session_service.create_session(app_name="conformance", user_id="u1")
    config = RunConfig(streaming_mode=StreamingMode.SSE if streaming else StreamingMode.NONE)
    said = types.Content(role="user", parts=[types.Part(text="How many?")])
    events = runner.run_async(user_id="u1", session_id=session.id, new_message=said, run_config=config)
    [event async for event in events]


@case.case()
async def generate(url: str) -> None:
    await ask(url)


@case.case("cached+reasoning")
async def generate_cached(url: str) -> None:
    await ask(url)


@case.case("cached+reasoning+tool-prompt")
async def tool_prompt(url: str) -> None:
    await ask(url)


@case.case("cached+reasoning")
async def stream(url: str) -> None:
    await ask(url, streaming=True)


@case.case("reasoning")
async def agent_with_tool(url: str) -> None:
    await ask(url, weather)


case.run(provider.force_flush)
