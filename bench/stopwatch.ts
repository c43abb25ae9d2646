/** Times every call through the ports of a world, and sorts the times into iterations. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { performance } from "node:perf_hooks";
import type { Transaction } from "../src/core/events.ts";
import type { World } from "../src/ports.ts";

interface Call {
  readonly part: string;
  readonly from: number;
  readonly to: number;
}

export interface Part {
  readonly ms: number;
  readonly count: number;
}

export interface Span {
  readonly ms: number;
  /** What ran at once with something else counts in both. */
  readonly parts: ReadonlyMap<string, Part>;
  /** How many programs this process started. */
  readonly processes: number;
}

interface Stretch {
  readonly from: number;
  readonly to: number;
}

export class Stopwatch {
  readonly #calls: Call[] = [];
  readonly #begun: number[] = [];
  readonly #ended: number[] = [];
  readonly #spawned: number[] = [];
  readonly #onSpawn = () => {
    this.#spawned.push(performance.now());
  };

  constructor() {
    subscribe("child_process", this.#onSpawn);
  }

  close(): void {
    unsubscribe("child_process", this.#onSpawn);
  }

  clear(): void {
    for (const list of [this.#calls, this.#begun, this.#ended, this.#spawned]) list.length = 0;
  }

  /** Since the last `clear()`. */
  get processes(): number {
    return this.#spawned.length;
  }

  async time<T>(part: string, call: () => T): Promise<Awaited<T>> {
    const from = performance.now();
    try {
      return await call();
    } finally {
      this.#calls.push({ part, from, to: performance.now() });
    }
  }

  begin(): void {
    this.#begun.push(performance.now());
  }

  end(): void {
    this.#ended.push(performance.now());
  }

  iterations(): Span[] {
    return this.#stretches().map((stretch) => this.#spanOf([stretch]));
  }

  /** What of `whole` lies in no iteration. */
  outside(whole: Stretch): Span {
    const gaps: Stretch[] = [];
    let { from } = whole;
    for (const stretch of this.#stretches()) {
      gaps.push({ from, to: stretch.from });
      from = stretch.to;
    }
    return this.#spanOf([...gaps, { from, to: whole.to }]);
  }

  #stretches(): Stretch[] {
    return this.#begun.map((from, at) => ({ from, to: this.#ended[at] ?? Number.NaN }));
  }

  #spanOf(stretches: readonly Stretch[]): Span {
    const parts = new Map<string, Part>();
    let total = 0;
    let covered = 0;
    let processes = 0;
    for (const { from, to } of stretches) {
      total += to - from;
      const inside = this.#calls.filter((call) => call.from >= from && call.to <= to + 1);
      for (const { part, ...call } of inside) {
        const { ms, count } = parts.get(part) ?? { ms: 0, count: 0 };
        parts.set(part, { ms: ms + call.to - call.from, count: count + 1 });
      }
      covered += union(inside);
      processes += this.#spawned.filter((at) => at >= from && at <= to).length;
    }
    parts.set("(rest)", { ms: total - covered, count: 1 });
    return { ms: total, parts, processes };
  }
}

function union(calls: readonly Stretch[]): number {
  let sum = 0;
  let until = 0;
  for (const { from, to } of [...calls].sort((a, b) => a.from - b.from)) {
    sum += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return sum;
}

/** The same world, with a stopwatch at every port. */
export function timedWorld(world: World, stopwatch: Stopwatch): World {
  const { store, sandbox, worktrees, models, fileSystem, hooks } = world;
  return {
    ...world,
    store: timedStore(store, stopwatch),
    sandbox: {
      run: (request, signal) =>
        stopwatch.time(commandName(request), () => sandbox.run(request, signal)),
      forget: (loop) => stopwatch.time("sandbox: forget", () => sandbox.forget(loop)),
    },
    worktrees: timed(worktrees, stopwatch, worktreesPart, (made) =>
      timed(made, stopwatch, (method) => `worktree: ${method}`),
    ),
    models: {
      resolve: (name) => {
        const model = models.resolve(name);
        return { ...model, client: timed(model.client, stopwatch, () => "model") };
      },
    },
    fileSystem: {
      files: (dir, readable) =>
        timed(fileSystem.files(dir, readable), stopwatch, () => "tool: files"),
    },
    hooks: timed(hooks, stopwatch, () => "hooks"),
  };
}

/** An iteration lasts from the append that begins it until the one that ends it is durable. */
function timedStore(store: World["store"], stopwatch: Stopwatch): World["store"] {
  const append = async (transaction: Transaction) => {
    const is = (type: string) => transaction.events.some((event) => event.type === type);
    if (is("iteration.started")) stopwatch.begin();
    await stopwatch.time("log", () => store.append(transaction));
    if (is("iteration.finished")) stopwatch.end();
  };
  return new Proxy(store, {
    get(target, key) {
      if (key === "append") return append;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function commandName({ cwd, unixSockets }: { cwd: string; unixSockets: boolean }): string {
  if (!unixSockets) return "tool: command";
  return cwd.includes("/fresh/") ? "validation, fresh" : "validation, worktree";
}

function worktreesPart(method: string): string {
  return `worktrees: ${method}`;
}

function timed<T extends object>(
  port: T,
  stopwatch: Stopwatch,
  part: (method: string) => string,
  wrap: (made: object) => object = (made) => made,
): T {
  return new Proxy(port, {
    get(target, key) {
      // Private fields belong to the target, not to its proxy.
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function" || typeof key !== "string") return value;
      return (...given: unknown[]) => {
        const call = () => Reflect.apply(value, target, given) as unknown;
        if (isInstant(key)) return call();
        return stopwatch.time(part(key), call).then((made) => {
          const isWorkspace = key === "open" || key === "fresh";
          return isWorkspace && typeof made === "object" && made !== null ? wrap(made) : made;
        });
      };
    },
  });
}

/** Methods that answer at once, and not with a promise. */
function isInstant(method: string): boolean {
  return method === "relative";
}
