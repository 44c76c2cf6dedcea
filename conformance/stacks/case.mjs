// Runs the cases of a JavaScript stack as case.py does those of a Python one; the settings are the same.
import { trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

const env = process.env;
const only = new Set((env.CONFORMANCE_ONLY ?? '').split(',').filter(Boolean));
const SETTLE_MS = 50;
const cases = [];

export const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': `conformance-${env.CONFORMANCE_STACK}` }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${env.CONFORMANCE_OTLP}/v1/traces` }))],
});
provider.register();

// Register a case: its traits, and a function of the provider's address; its name is the function's.
export function add(traits, run) {
  cases.push([run.name, traits, run]);
}

// Run all registered cases, flushing after each; say of each whether it raised.
export async function runAll() {
  const tracer = trace.getTracer('conformance');
  for (const [name, traits, run] of cases) {
    if (only.size && !only.has(name)) continue;
    const url = `${env.CONFORMANCE_PROVIDER}/${env.CONFORMANCE_STACK}/${name}/${traits}`;
    const said = await tracer.startActiveSpan(`CASE ${name}`, async (span) => {
      try {
        await run(url);
        return 'done';
      } catch (error) {
        return `raised ${error.name}: ${JSON.stringify(String(error.message).slice(0, 300))}`;
      } finally {
        span.end();
      }
    });
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    await provider.forceFlush();
    process.stdout.write(`${name}\t${said}\n`);
  }
  await provider.shutdown();
}
