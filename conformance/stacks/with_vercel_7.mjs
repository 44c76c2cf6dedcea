// The Vercel AI SDK 7: spans come from a package of their own.
import { OpenTelemetry } from '@ai-sdk/otel';
import { registerTelemetry } from 'ai';

import { runAll } from './case.mjs';
import './vercel_cases.mjs';

registerTelemetry(new OpenTelemetry());
await runAll();
