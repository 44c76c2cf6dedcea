// What people do with the Vercel AI SDK, whatever its release.
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { embed, embedMany, generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';

import { add } from './case.mjs';

const shared = { experimental_telemetry: { isEnabled: true } };
const openai = (url) => createOpenAI({ baseURL: `${url}/v1`, apiKey: 'made-up' });
const gpt = (url) => openai(url).chat('gpt-4.1');
const reasoner = (url) => openai(url).responses('o4-mini');
const claude = (url) => createAnthropic({ baseURL: `${url}/v1`, apiKey: 'made-up' })('claude-sonnet-4-5');
const weather = tool({
  description: 'The weather',
  inputSchema: z.object({ place: z.string() }),
  execute: async ({ place }) => `rain in ${place}`,
});
const generate = (model, more = {}) => generateText({ model, prompt: 'How many?', ...shared, ...more });
const read = async (model, more = {}) => {
  for await (const _text of streamText({ model, prompt: 'How many?', onError() {}, ...shared, ...more }).textStream);
};
const withTool = { tools: { weather }, stopWhen: stepCountIs(3) };

add('plain', async function chat(url) { await generate(gpt(url)); });
add('cached+reasoning', async function chat_cached(url) { await generate(gpt(url)); });
add('cached', async function chat_stream(url) { await read(gpt(url)); });
add('plain', async function chat_stream_aborted(url) {
  const stop = new AbortController();
  const run = streamText({ model: gpt(url), prompt: 'How many?', abortSignal: stop.signal, onError() {}, ...shared });
  for await (const _text of run.textStream) { stop.abort(); break; }
});
add('cut', async function chat_stream_cut(url) { await read(gpt(url)); });
add('500-once', async function chat_retried(url) { await generate(gpt(url)); });
add('429', async function chat_error(url) { await generate(gpt(url), { maxRetries: 0 }); });
add('plain', async function chat_tools(url) { await generate(gpt(url), withTool); });
add('plain', async function chat_parallel(url) { await Promise.all([1, 2, 3].map(() => generate(gpt(url)))); });
add('cached+reasoning', async function responses(url) { await generate(reasoner(url)); });
add('cached+reasoning', async function responses_stream(url) { await read(reasoner(url)); });
add('plain', async function embedding(url) {
  await embed({ model: openai(url).embedding('text-embedding-3-small'), value: 'How many?', ...shared });
});
add('plain', async function embedding_many(url) {
  await embedMany({ model: openai(url).embedding('text-embedding-3-small'), values: ['How many here?', 'How many there?'], ...shared });
});
add('plain', async function anthropic(url) { await generate(claude(url)); });
add('cached', async function anthropic_cached(url) { await generate(claude(url)); });
add('cached+reasoning', async function anthropic_stream(url) { await read(claude(url)); });
add('cached', async function anthropic_tools(url) { await generate(claude(url), withTool); });
