/** The one file that knows prom-client: what is measured, and how it is written down. */
import { Counter, Gauge, Histogram, type MetricObjectWithValues, Registry } from "prom-client";

const prefix = "taskdaemon_";

/** Seconds: a tool's milliseconds and a night's work. */
const longBuckets = [0.05, 0.25, 1, 5, 15, 60, 300, 900, 3_600, 14_400];
const diskBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];
const shortBuckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export type Instruments = ReturnType<typeof createInstruments>;

/** One value of one metric, as the registry tells it. */
export type Told = MetricObjectWithValues<{
  readonly value: number;
  readonly labels: Partial<Record<string, string | number>>;
  readonly metricName?: string;
}>;

/** Instruments with a registry of their own: two in one process do not meet. */
export function createInstruments() {
  const registry = new Registry();
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    told: async () => (await registry.getMetricsAsJSON()) as unknown as readonly Told[],
    ...counters(registry),
    ...histograms(registry),
    ...gauges(registry),
  };
}

function counters(registry: Registry) {
  const counter = <const Label extends string>(
    name: string,
    help: string,
    ...labelNames: readonly Label[]
  ) => new Counter({ name: `${prefix}${name}_total`, help, labelNames, registers: [registry] });
  return {
    loopsCreated: counter("loops_created", "Loops created", "type"),
    loopsEnded: counter("loops_ended", "Loops that came to an end", "type", "status"),
    attempts: counter("attempts", "Attempts started", "type"),
    restarts: counter("attempts_restarted", "Attempts after the first of their loop", "type"),
    attemptsEnded: counter("attempts_ended", "Attempts by how they ended", "type", "how"),
    iterations: counter("iterations", "Iterations that got a verdict", "type", "model"),
    verdicts: counter("verdicts", "Verdicts by their result", "type", "result"),
    tokens: counter("tokens", "Tokens used, by kind", "type", "model", "kind"),
    costUsd: counter("cost_usd", "US dollars spent where the price is known", "type", "model"),
    requests: counter("requests", "Requests whose reply began", "type", "model"),
    unpriced: counter("unpriced_requests", "Requests of unknown price", "type", "model"),
    apiErrors: counter("api_errors", "Model calls that failed, by kind", "model", "kind"),
    toolCalls: counter("tool_calls", "Tool calls by their result", "tool", "result"),
    events: counter("events", "Durable events by type", "event"),
  };
}

function histograms(registry: Registry) {
  const histogram = <const Label extends string>(
    name: string,
    help: string,
    buckets: number[],
    ...labelNames: readonly Label[]
  ) => {
    const options = { name: `${prefix}${name}_seconds`, help, buckets, registers: [registry] };
    return new Histogram({ ...options, labelNames });
  };
  return {
    attempt: histogram("attempt", "How long attempts took", longBuckets, "type", "how"),
    iteration: histogram("iteration", "How long iterations took", longBuckets, "type", "model"),
    queueWait: histogram("queue_wait", "From ready to started", longBuckets, "type", "priority"),
    validation: histogram("validation", "How long validation took", longBuckets, "type", "result"),
    api: histogram("api", "How long model calls took", shortBuckets, "model", "outcome"),
    apiBegan: histogram("api_first_byte", "Until a reply began", shortBuckets, "model"),
    storeWrite: histogram(
      "store_write",
      "From the first event of a batch to its sync",
      diskBuckets,
    ),
    tool: histogram("tool", "How long tool calls took", shortBuckets, "tool"),
  };
}

function gauges(registry: Registry) {
  const gauge = <const Label extends string>(
    name: string,
    help: string,
    ...labelNames: readonly Label[]
  ) => new Gauge({ name: `${prefix}${name}`, help, labelNames, registers: [registry] });
  return {
    info: gauge("info", "Always 1; the version is its label", "version"),
    startTime: gauge("start_time_seconds", "When the daemon started"),
    loops: gauge("loops", "Loops by status", "type", "status"),
    successRatio: gauge("success_ratio", "Complete loops of all that ended", "type"),
    planCostUsd: gauge("plan_cost_usd", "US dollars of a plan, where the price is known", "plan"),
    planTokens: gauge("plan_tokens", "Tokens of a plan", "plan"),
    planIterations: gauge("plan_iterations", "Iterations of a plan's loops", "plan"),
    planAttempts: gauge("plan_attempts", "Attempts of a plan's loops", "plan"),
    planSeconds: gauge("plan_seconds", "From a plan's creation to its end or now", "plan"),
    planSuccess: gauge("plan_success_ratio", "Complete loops of a plan's that ended", "plan"),
    planLoops: gauge("plan_loops", "Loops of a plan by status", "plan", "status"),
    storeBytes: gauge("store_bytes", "Size of the event log and its snapshots"),
    storeEvents: gauge("store_events", "Number of the newest durable event"),
    auditRecords: gauge("audit_records", "Records in the audit's chain"),
    eventLoopLag: gauge("event_loop_lag_seconds", "99th percentile since the start"),
    residentMemory: gauge("resident_memory_bytes", "Memory of the daemon itself"),
  };
}
