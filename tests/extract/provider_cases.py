"""Usage objects as providers write them, and what they mean."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tollspan_rater.domain.usage import Usage

Json = dict[str, Any]


def some(**units: int) -> dict[str, Decimal]:
    return {name: Decimal(count) for name, count in units.items()}


def chat(prompt: int, completion: int, total: int, **more: Any) -> Json:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total, **more}


def gemini(prompt: int, candidates: int, total: int, **more: Any) -> Json:
    return {"promptTokenCount": prompt, "candidatesTokenCount": candidates, "totalTokenCount": total, **more}


def interaction(total: int) -> Json:
    return {
        "total_input_tokens": 50,
        "total_tool_use_tokens": 20,
        "total_output_tokens": 60,
        "total_thought_tokens": 40,
        "total_tokens": total,
    }


def converse(total: int) -> Json:
    return {
        "inputTokens": 100,
        "outputTokens": 4,
        "cacheReadInputTokens": 10,
        "cacheWriteInputTokens": 20,
        "totalTokens": total,
    }


def by_modality(**counts: int) -> list[Json]:
    return [{"modality": name.upper(), "tokenCount": count} for name, count in counts.items()]


EXACT: dict[str, tuple[str | None, Json, Usage]] = {
    "OpenAI chat: details are parts of the totals": (
        "openai.chat",
        chat(
            1000,
            200,
            1200,
            prompt_tokens_details={"cached_tokens": 600, "cache_write_tokens": 100, "audio_tokens": 30},
            completion_tokens_details={"reasoning_tokens": 50, "audio_tokens": 20, "rejected_prediction_tokens": 9},
        ),
        Usage(
            input=1000,
            cache_read=600,
            cache_write=100,
            audio_in=30,
            output=200,
            reasoning=50,
            audio_out=20,
            units=some(rejected_prediction=9),
        ),
    ),
    "OpenAI chat: a zero of a rare part says nothing": (
        "openai.chat",
        chat(10, 5, 15, completion_tokens_details={"rejected_prediction_tokens": 0, "image_tokens": 0}),
        Usage(input=10, output=5),
    ),
    "OpenAI responses: cache writes by lifetime": (
        "openai.responses",
        {
            "input_tokens": 900,
            "output_tokens": 80,
            "total_tokens": 980,
            "input_tokens_details": {
                "cached_tokens": 100,
                "cache_write_tokens": 700,
                "cache_write_tokens_details": {"ttl_30m_tokens": 200, "ttl_12h_tokens": 400},
            },
            "output_tokens_details": {"reasoning_tokens": 64},
        },
        Usage(
            input=900,
            cache_read=100,
            cache_write=700,
            output=80,
            reasoning=64,
            units=some(cache_write_30m=200, cache_write_12h=400),
        ),
    ),
    "OpenAI realtime: what was cached of the audio": (
        None,
        {
            "input_tokens": 300,
            "output_tokens": 60,
            "total_tokens": 360,
            "input_token_details": {
                "text_tokens": 100,
                "audio_tokens": 200,
                "cached_tokens": 150,
                "cached_tokens_details": {"text_tokens": 30, "audio_tokens": 120},
            },
            "output_token_details": {"text_tokens": 10, "audio_tokens": 50},
        },
        Usage(input=300, cache_read=150, audio_in=200, output=60, audio_out=50, units=some(cache_read_audio=120)),
    ),
    "OpenAI images": (
        None,
        {
            "input_tokens": 50,
            "output_tokens": 4160,
            "total_tokens": 4210,
            "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
            "output_tokens_details": {"image_tokens": 4160},
        },
        Usage(input=50, image_in=40, output=4160, units=some(image_out=4160)),
    ),
    "OpenAI transcription by tokens": (
        None,
        {"type": "tokens", "input_tokens": 14, "output_tokens": 45, "input_token_details": {"audio_tokens": 14}},
        Usage(input=14, audio_in=14, output=45),
    ),
    "OpenAI transcription by length": (None, {"type": "duration", "seconds": 7}, Usage(units=some(audio_second=7))),
    "OpenAI embeddings: no output, whatever the total": (
        "openai.embeddings",
        {"prompt_tokens": 8, "total_tokens": 8},
        Usage(input=8),
    ),
    "Anthropic: both caches stand beside the input": (
        "anthropic.messages",
        {
            "input_tokens": 100,
            "cache_read_input_tokens": 600,
            "cache_creation_input_tokens": 300,
            "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
            "output_tokens": 50,
            "output_tokens_details": {"thinking_tokens": 20},
            "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
        },
        Usage(
            input=1000,
            cache_read=600,
            cache_write=300,
            cache_write_5m=200,
            cache_write_1h=100,
            output=50,
            reasoning=20,
            units=some(web_search=2, web_fetch=1),
        ),
    ),
    "Anthropic: a compaction is billed with the call": (
        "anthropic.messages",
        {
            "input_tokens": 20,
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0,
            "output_tokens": 5,
            "iterations": [
                {
                    "type": "compaction",
                    "input_tokens": 40,
                    "cache_read_input_tokens": 500,
                    "cache_creation_input_tokens": 60,
                    "cache_creation": {"ephemeral_5m_input_tokens": 60},
                    "output_tokens": 30,
                },
                {"type": "message", "input_tokens": 20, "output_tokens": 5},
            ],
        },
        Usage(
            input=620,
            cache_read=500,
            cache_write=60,
            cache_write_5m=60,
            output=35,
            units=some(compaction_in=40, compaction_out=30),
        ),
    ),
    "Anthropic: an advisor is another model": (
        "anthropic.messages",
        {
            "input_tokens": 20,
            "output_tokens": 5,
            "iterations": [
                {"type": "message", "input_tokens": 9, "output_tokens": 3},
                {"type": "advisor_message", "input_tokens": 30, "cache_read_input_tokens": 70, "output_tokens": 8},
                {"type": "advisor_message", "input_tokens": 1, "output_tokens": 1},
                {"type": "message", "input_tokens": 11, "output_tokens": 2},
            ],
        },
        Usage(input=20, output=5, units=some(advisor_in=101, advisor_cache_read=70, advisor_out=9)),
    ),
    "Gemini: thoughts and tool use stand beside": (
        None,
        gemini(100, 20, 215, toolUsePromptTokenCount=60, thoughtsTokenCount=35, cachedContentTokenCount=40),
        Usage(input=160, cache_read=40, output=55, reasoning=35, units=some(tool_use=60)),
    ),
    "Gemini: modalities, also of the cache": (
        None,
        gemini(
            345,
            37,
            382,
            cachedContentTokenCount=230,
            promptTokensDetails=by_modality(text=76, document=258, audio=11),
            cacheTokensDetails=by_modality(document=172, text=58),
            candidatesTokensDetails=by_modality(image=30, text=7),
        ),
        Usage(
            input=345,
            cache_read=230,
            audio_in=11,
            output=37,
            units=some(cache_read_document=172, document_in=258, image_out=30),
        ),
    ),
    "Vertex writes modalities by number, or without a count": (
        None,
        gemini(
            20,
            1,
            21,
            promptTokensDetails=[{"modality": 1, "tokenCount": 5}, {"modality": 3, "tokenCount": 15}, {"modality": 4}],
        ),
        Usage(input=20, output=1, units=some(video_in=15)),
    ),
    "Gemini: only thoughts": (
        None,
        {"promptTokenCount": 15, "thoughtsTokenCount": 2, "totalTokenCount": 17},
        Usage(input=15, output=2, reasoning=2),
    ),
    "Gemini: an embedding": (None, {"promptTokenCount": 11, "totalTokenCount": 11}, Usage(input=11)),
    "Gemini Live": (
        None,
        {
            "promptTokenCount": 30,
            "responseTokenCount": 90,
            "totalTokenCount": 120,
            "responseTokensDetails": by_modality(audio=90),
        },
        Usage(input=30, output=90, audio_out=90),
    ),
    "Gemini in snake case": (
        None,
        {"prompt_token_count": 7, "candidates_token_count": 3, "thoughts_token_count": 2, "total_token_count": 12},
        Usage(input=7, output=5, reasoning=2),
    ),
    "Gemini Live in snake case": (
        None,
        {"prompt_token_count": 7, "response_token_count": 3, "total_token_count": 10},
        Usage(input=7, output=3),
    ),
    "Gemini Interactions": (
        None,
        {
            "total_input_tokens": 50,
            "total_tool_use_tokens": 10,
            "total_cached_tokens": 5,
            "total_output_tokens": 20,
            "total_thought_tokens": 30,
            "total_tokens": 110,
            "input_tokens_by_modality": [{"modality": "image", "tokens": 12}],
        },
        Usage(input=60, cache_read=5, image_in=12, output=50, reasoning=30, units=some(tool_use=10)),
    ),
    "Bedrock Converse: caches stand beside the input": (
        None,
        {
            "inputTokens": 100,
            "outputTokens": 50,
            "totalTokens": 1050,
            "cacheReadInputTokens": 600,
            "cacheWriteInputTokens": 300,
            "cacheDetails": [{"ttl": "1h", "inputTokens": 200}, {"ttl": "5m", "inputTokens": 100}],
        },
        Usage(input=1000, cache_read=600, cache_write=300, cache_write_5m=100, cache_write_1h=200, output=50),
    ),
    "Bedrock headers, which are text": (
        None,
        {
            "x-amzn-bedrock-input-token-count": "12",
            "x-amzn-bedrock-output-token-count": "3",
            "x-amzn-bedrock-cache-read-input-token-count": "100",
            "x-amzn-bedrock-cache-write-input-token-count": "5",
        },
        Usage(input=117, cache_read=100, cache_write=5, output=3),
    ),
    "Bedrock, last chunk of a stream": (
        None,
        {"inputTokenCount": 12, "outputTokenCount": 3},
        Usage(input=12, output=3),
    ),
    "Bedrock, Claude's own counts before the metrics": (
        None,
        {"input_tokens": 12, "output_tokens": 9, "inputTokenCount": 15, "outputTokenCount": 3},
        Usage(input=12, output=9),
    ),
    "Bedrock Llama": (None, {"prompt_token_count": 5, "generation_token_count": 10}, Usage(input=5, output=10)),
    "Bedrock Titan": (
        None,
        {"inputTextTokenCount": 5, "results": [{"tokenCount": 10}, {"tokenCount": 4}]},
        Usage(input=5, output=14),
    ),
    "Cohere: billed units, not tokens": (
        None,
        {
            "billed_units": {"input_tokens": 41, "output_tokens": 25, "search_units": 1, "classifications": 2},
            "tokens": {"input_tokens": 1441, "output_tokens": 54},
            "cached_tokens": 144,
        },
        Usage(input=41, output=25, units=some(search_unit=1, classification=2)),
    ),
    "Mistral": (None, chat(50, 5, 55, num_cached_tokens=30), Usage(input=50, cache_read=30, output=5)),
    "Mistral: audio in the prompt": (
        None,
        chat(50, 5, 55, prompt_audio_seconds=12),
        Usage(input=50, output=5, units=some(audio_second=12)),
    ),
    "Mistral OCR": (None, {"pages_processed": 29, "doc_size_bytes": 1}, Usage(units=some(ocr_page=29))),
    "DeepSeek": (
        None,
        chat(50, 5, 55, prompt_cache_hit_tokens=30, prompt_cache_miss_tokens=20),
        Usage(input=50, cache_read=30, output=5),
    ),
    "Moonshot, Together": (None, chat(50, 5, 55, cached_tokens=30), Usage(input=50, cache_read=30, output=5)),
    "Alibaba": (
        None,
        chat(
            50,
            5,
            55,
            prompt_tokens_details={
                "cached_tokens": 10,
                "cache_creation_input_tokens": 30,
                "cache_creation": {"ephemeral_5m_input_tokens": 30},
                "cache_type": "ephemeral",
            },
        ),
        Usage(input=50, cache_read=10, cache_write=30, cache_write_5m=30, output=5),
    ),
    "the first of several places holds": (
        None,
        chat(50, 5, 55, cached_tokens=30, prompt_tokens_details={"cached_tokens": 20}),
        Usage(input=50, cache_read=20, output=5),
    ),
    "Groq": (None, chat(50, 5, 55, queue_time=0.1, total_time=0.2), Usage(input=50, output=5)),
    "Perplexity: reasoning and citations stand beside, and the total leaves them out": (
        "openai.chat",
        chat(33, 100, 133, reasoning_tokens=900, citation_tokens=70, num_search_queries=18, search_context_size="low"),
        Usage(input=33, output=1000, reasoning=900, units=some(citation=70, web_search=18)),
    ),
    "OpenRouter": (
        None,
        chat(
            50,
            5,
            55,
            cost=0.00125,
            prompt_tokens_details={"video_tokens": 8},
            completion_tokens_details={"image_tokens": 3},
            server_tool_use_details={"web_search_requests": 1},
        ),
        Usage(input=50, output=5, units=some(video_in=8, image_out=3, web_search=1)),
    ),
    "Ollama": (None, {"prompt_eval_count": 26, "eval_count": 298}, Usage(input=26, output=298)),
    "Ollama: a prompt from its cache has no count": (None, {"eval_count": 79}, Usage(output=79)),
    "watsonx": (None, {"input_token_count": 8, "generated_token_count": 11}, Usage(input=8, output=11)),
    "Aleph Alpha": (None, {"num_tokens_prompt_total": 9, "num_tokens_generated": 4}, Usage(input=9, output=4)),
    "Voyage": (None, {"total_tokens": 18}, Usage(input=18)),
    "Vertex predict": (None, {"token_count": 4, "truncated": False}, Usage(input=4)),
    "an app's own words": (None, {"input": 4, "output": 2}, Usage(input=4, output=2)),
}


# Places that no row above fills: the object holds the totals, and 7 there.
PLACES = """
openai.chat prompt_tokens_details.cache_creation_input_tokens cache_write
openai.chat prompt_tokens_details.cache_creation.ephemeral_1h_input_tokens cache_write_1h
openai.chat prompt_tokens_details.cache_write_tokens_details.ttl_30m_tokens cache_write_30m
openai.chat prompt_tokens_details.cache_write_tokens_details.ttl_12h_tokens cache_write_12h
openai.chat prompt_tokens_details.image_tokens image_in
openai.chat reasoning_tokens reasoning
openai.chat server_tool_use.web_search_requests web_search
openai.chat connectors.web_search web_search
openai.chat num_sources_used search_source
openai.chat service_tier tier
openai.chat cost cost
openai.chat pydantic_ai_gateway.cost_estimate cost
openai.embeddings completion_tokens output
openai.responses input_token_details.cached_tokens_details.image_tokens cache_read_image
openai.responses input_tokens_details.audio_tokens audio_in
openai.responses input_token_details.image_tokens image_in
openai.responses output_tokens_details.audio_tokens audio_out
openai.responses output_token_details.image_tokens image_out
openai.responses service_tier tier
openai.responses tollspan.web_search web_search
openai.responses tollspan.image image
vertex.predict tollspan.image image
openai.responses tollspan.file_search file_search
openai.responses tollspan.code_interpreter code_interpreter
perplexity.chat cost.total_cost cost
anthropic.messages service_tier tier
anthropic.messages inference_geo geo
anthropic.messages speed speed
anthropic.messages pydantic_ai_gateway.cost_estimate cost
gemini.generate_content tool_use_prompt_token_count tool_use
gemini.generate_content cached_content_token_count cache_read
gemini.generate_content serviceTier tier
gemini.generate_content tollspan.web_search web_search
gemini.generate_content service_tier tier
gemini.generate_content promptTokenDetails image_in
gemini.generate_content prompt_tokens_details image_in
gemini.generate_content candidates_tokens_details image_out
gemini.generate_content response_tokens_details image_out
gemini.generate_content cache_tokens_details cache_read_image
gemini.interactions output_tokens_by_modality image_out
gemini.interactions cached_tokens_by_modality cache_read_image
bedrock.converse cacheReadInputTokenCount cache_read
bedrock.converse cacheWriteInputTokenCount cache_write
bedrock.converse pydantic_ai_gateway.cost_estimate cost
bedrock.invoke_model cacheReadInputTokenCount cache_read
bedrock.invoke_model cacheWriteInputTokenCount cache_write
bedrock.invoke_model cache_read_input_tokens cache_read
bedrock.invoke_model cache_creation_input_tokens cache_write
bedrock.invoke_model x-amzn-bedrock-cache-read-input-token-count cache_read
bedrock.invoke_model x-amzn-bedrock-cache-write-input-token-count cache_write
bedrock.invoke_model cache_creation.ephemeral_5m_input_tokens cache_write_5m
bedrock.invoke_model cache_creation.ephemeral_1h_input_tokens cache_write_1h
bedrock.invoke_model output_tokens_details.thinking_tokens reasoning
cohere tokens.input_tokens input
cohere tokens.output_tokens output
cohere billed_units.images image
"""
TOTALS: dict[str, Json] = {
    "openai.chat": chat(50, 50, 100),
    "openai.embeddings": {"prompt_tokens": 50},
    "openai.responses": {"input_tokens": 50, "output_tokens": 50},
    "perplexity.chat": {"prompt_tokens": 50, "completion_tokens": 50},
    "anthropic.messages": {"input_tokens": 50, "output_tokens": 50},
    "gemini.generate_content": {"promptTokenCount": 50, "candidatesTokenCount": 50},
    "gemini.interactions": {"total_input_tokens": 50, "total_output_tokens": 50},
    "bedrock.converse": {"inputTokens": 50, "outputTokens": 50},
    "bedrock.invoke_model": {"inputTokenCount": 50, "outputTokenCount": 50},
    "cohere": {},
    "vertex.predict": {"token_count": 50},
}


# The members of an object, and whose it is, where nobody says.
WHOSE: dict[str, str] = {
    "prompt_token_count": "gemini.generate_content",
    "candidatesTokenCount": "gemini.generate_content",
    "candidates_token_count": "gemini.generate_content",
    "responseTokenCount": "gemini.generate_content",
    "prompt_eval_count": "ollama",
    "prompt_tokens": "openai.chat",
    "completion_tokens": "openai.chat",
    "input_tokens output_tokens": "openai.responses",
    "input_tokens cache_read_input_tokens": "anthropic.messages",
    "input_tokens cache_creation_input_tokens": "anthropic.messages",
    "prompt_tokens num_search_queries": "perplexity.chat",
    "prompt_tokens search_context_size": "perplexity.chat",
}


# What the table says is contradicted by the provider's own total, and the total holds.
PROVED: dict[str, tuple[Json, tuple[int, int], str]] = {
    "xAI counts reasoning beside the completion": (
        chat(100, 9, 409, completion_tokens_details={"reasoning_tokens": 300}),
        (100, 309),
        "reasoning",
    ),
    "a gateway counts cached tokens beside the prompt": (
        chat(10, 9, 119, prompt_tokens_details={"cached_tokens": 100}),
        (110, 9),
        "cache_read",
    ),
    "Mistral counts the tokens of connectors beside the prompt": (
        chat(189, 584, 12555, connector_tokens=11782),
        (11971, 584),
        "tool_use",
    ),
    "both at once": (
        chat(
            10,
            9,
            419,
            prompt_tokens_details={"cached_tokens": 100},
            completion_tokens_details={"reasoning_tokens": 300},
        ),
        (110, 309),
        "cache_read, reasoning",
    ),
    "reasoning beside, cached tokens within": (
        chat(
            100,
            9,
            409,
            prompt_tokens_details={"cached_tokens": 60},
            completion_tokens_details={"reasoning_tokens": 300},
        ),
        (100, 309),
        "reasoning",
    ),
    "cached tokens beside, reasoning within": (
        chat(
            10,
            9,
            119,
            prompt_tokens_details={"cached_tokens": 100},
            completion_tokens_details={"reasoning_tokens": 5},
        ),
        (110, 9),
        "cache_read",
    ),
    "both caches beside": (
        chat(10, 9, 139, prompt_tokens_details={"cached_tokens": 100, "cache_write_tokens": 20}),
        (130, 9),
        "cache_read, cache_write",
    ),
    "reasoning beside the output of the Responses API": (
        {
            "input_tokens": 10,
            "output_tokens": 9,
            "total_tokens": 24,
            "output_tokens_details": {"reasoning_tokens": 5},
        },
        (10, 14),
        "reasoning",
    ),
    "Gemini: everything is within": (
        gemini(100, 50, 150, thoughtsTokenCount=30, toolUsePromptTokenCount=20),
        (100, 50),
        "nothing",
    ),
    "Interactions: thoughts within": (interaction(130), (70, 60), "tool_use"),
    "Interactions: tool use within": (interaction(150), (50, 100), "reasoning"),
    "Interactions: everything within": (interaction(110), (50, 60), "nothing"),
    "Bedrock counts only cache reads beside": (converse(114), (110, 4), "cache_read"),
    "Bedrock counts only cache writes beside": (converse(124), (120, 4), "cache_write"),
    "Bedrock counts neither beside": (converse(104), (100, 4), "nothing"),
    "Gemini's candidates contain the thoughts": (gemini(100, 50, 150, thoughtsTokenCount=30), (100, 50), "nothing"),
    "... in snake case": (
        {"prompt_token_count": 10, "candidates_token_count": 9, "thoughts_token_count": 4, "total_token_count": 19},
        (10, 9),
        "nothing",
    ),
    "... and tool use stands beside": (
        gemini(100, 50, 170, thoughtsTokenCount=30, toolUsePromptTokenCount=20),
        (120, 50),
        "tool_use",
    ),
    "... or is in the prompt": (
        gemini(100, 50, 180, thoughtsTokenCount=30, toolUsePromptTokenCount=20),
        (100, 80),
        "reasoning",
    ),
    "Bedrock counts cache writes within the input": (
        {"inputTokens": 100, "outputTokens": 5, "totalTokens": 105, "cacheWriteInputTokens": 80},
        (100, 5),
        "nothing",
    ),
}
