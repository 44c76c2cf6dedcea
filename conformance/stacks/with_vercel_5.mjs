// The Vercel AI SDK 5, whose spans come with it.
import { runAll } from './case.mjs';
import './vercel_cases.mjs';

await runAll();
