// The Vercel AI SDK 6, whose spans come with it.
import { runAll } from './case.mjs';
import './vercel_cases.mjs';

await runAll();
