"""Packages of the OpenTelemetry project in all languages, and the distributions that follow them closely."""

from __future__ import annotations

from typing import Final

from tollspan_rater.extract.dialects.semconv import CONTENT, CONTENT_PREFIXES, IGNORED, KEYS, ROLES
from tollspan_rater.extract.dialects.table import OTEL, SDK_WRAPPER, Dialect, Estimates, merged

_I: Final = "opentelemetry.instrumentation."

# Token counts of these models' InvokeModel answers are made of the length of the texts.
_INVOKE_ESTIMATES: Final = Estimates("InvokeModel", frozenset({"cohere", "mistral"}))
_AWS_KEYS: Final = merged(KEYS, {"request_id": ("aws.request_id",), "method": ("rpc.method",)})
_ESTIMATE_TRAP: Final = "InvokeModel of Cohere and Mistral models: counts are the texts' length by six, unmarked"

OTEL_GENAI: Final = Dialect(
    name="otel",
    version=2,
    rank=OTEL,
    source="PyPI opentelemetry-instrumentation-genai-{openai,anthropic,langchain,openai-agents,llama-index} 1.3b0 "
    "(recorded); contrib opentelemetry-instrumentation-openai-v2 2.x",
    traps=(
        "a count of zero is left out: absent says nothing",
        "openai_agents and llama_index write no usage, the SDK's instrumentation below them does",
        "of an aborted Anthropic stream the output is the first event's placeholder, without a finish reason",
        "openai_v2 writes 0/0 for a stream without include_usage",
        "the answer of a background response is fetched later, and that span must carry no usage",
    ),
    scopes=tuple(
        _I + name
        for name in (
            "genai.openai",
            "genai.anthropic",
            "genai.langchain",
            "genai.openai_agents",
            "genai.llama_index",
            "openai_v2",
            "langchain_v2",
        )
    ),
    scope_prefixes=(_I + "genai.",),
    keys=KEYS,
    roles=ROLES,
    ignored=IGNORED,
    stream_ends_with_finish=True,
    content=CONTENT,
    content_prefixes=CONTENT_PREFIXES,
    kept_prefixes=("gen_ai.", "openai."),
)

GOOGLE_GENAI: Final = Dialect(
    name="otel.google",
    version=1,
    rank=OTEL,
    source="PyPI opentelemetry-instrumentation-google-genai 1.3b0 (recorded)",
    traps=(
        "tokens of tool-use prompts are dropped: with built-in tools the input is short, and nothing shows it",
        "the provider is written `gemini`, not `gcp.gemini`",
        "of the interactions API, thoughts are not added to the output",
    ),
    scopes=(_I + "google_genai",),
    keys=KEYS,
    roles=ROLES,
    ignored=IGNORED,
    tool_use_untold=True,
)

# Both write the input without its cached parts, against the conventions.
BEDROCK: Final = Dialect(
    name="otel.bedrock",
    version=2,
    rank=OTEL,
    source="PyPI opentelemetry-instrumentation-genai-bedrock 1.3b0 and opentelemetry-instrumentation-botocore 0.66b1 "
    "(recorded)",
    traps=(
        "the input leaves cache reads and writes out, against the conventions: 100 where 1,000 were billed",
        "no response id",
        "botocore, " + _ESTIMATE_TRAP,
    ),
    scopes=(_I + "genai.bedrock", _I + "botocore.bedrock-runtime"),
    keys=_AWS_KEYS,
    roles=ROLES,
    ignored=IGNORED,
    input_excludes_cache="all",
    estimates=_INVOKE_ESTIMATES,
)

VERTEXAI: Final = Dialect(
    name="vertexai",
    version=2,
    rank=SDK_WRAPPER,
    source="contrib opentelemetry-instrumentation-vertexai 2.x and OpenLLMetry's package of that scope (code)",
    traps=("the output is the candidates alone: thoughts and tool use are only in the total",),
    scopes=(_I + "vertexai",),
    keys=KEYS,
    roles=ROLES,
    output_excludes_reasoning="all",
)

# https://github.com/open-telemetry/opentelemetry-js-contrib and .../opentelemetry-java-instrumentation
OTHER_LANGUAGES: Final = Dialect(
    name="otel.js_java",
    version=1,
    rank=OTEL,
    source="npm @opentelemetry/instrumentation-openai; Java openai-java-1.1 (code)",
    traps=("input and output only: cache and reasoning are in them, but never stated",),
    scopes=("@opentelemetry/instrumentation-openai", "io.opentelemetry.openai-java-1.1"),
    keys=KEYS,
    roles=ROLES,
)
AWS_SDK: Final = Dialect(
    name="otel.aws_sdk",
    version=1,
    rank=OTEL,
    source="npm @opentelemetry/instrumentation-aws-sdk; Java aws-sdk-2.2 (code)",
    traps=("cache counts are never stated, and Bedrock's input leaves them out", _ESTIMATE_TRAP),
    scopes=("@opentelemetry/instrumentation-aws-sdk", "io.opentelemetry.aws-sdk-2.2"),
    keys=_AWS_KEYS,
    roles=ROLES,
    input_excludes_cache="all",
    cache_untold="claude",
    estimates=_INVOKE_ESTIMATES,
)
DOTNET: Final = Dialect(
    name="dotnet",
    version=1,
    rank=OTEL,
    source="NuGet Microsoft.Extensions.AI (OpenTelemetryConsts.DefaultSourceName), OpenAI (code)",
    traps=(
        "`orchestrate_tools` repeats the sum of the chats below it",
        "the source can be renamed: such spans are read as plain conventions",
    ),
    scopes=("Experimental.Microsoft.Extensions.AI",),
    scope_prefixes=("Experimental.OpenAI.", "OpenAI."),
    keys=KEYS,
    roles=ROLES,
)
ADOT: Final = Dialect(
    name="adot",
    version=1,
    rank=SDK_WRAPPER,
    source="PyPI aws-opentelemetry-distro: langchain, crewai, llama_index, openai_agents (code)",
    traps=("input and output only", "outer CLIENT spans are rewritten to INTERNAL: the kind tells nothing here"),
    scope_prefixes=("amazon.opentelemetry.distro.instrumentation.",),
    keys=KEYS,
    roles=ROLES,
    cache_unsure=True,
)
LOONGSUITE: Final = Dialect(
    name="loongsuite",
    version=1,
    rank=SDK_WRAPPER,
    source="https://github.com/alibaba/loongsuite-python-agent, loongsuite-go-agent (code)",
    traps=("AGENT and CHAIN spans repeat the sums of the LLM spans below them",),
    scope_prefixes=("loongsuite.", _I + "dashscope", _I + "agentscope"),
    markers=("gen_ai.span.kind",),
    keys=KEYS,
    roles=ROLES,
    cache_unsure=True,
)

DIALECTS: Final = (
    OTEL_GENAI,
    GOOGLE_GENAI,
    BEDROCK,
    VERTEXAI,
    OTHER_LANGUAGES,
    AWS_SDK,
    DOTNET,
    ADOT,
    LOONGSUITE,
)
