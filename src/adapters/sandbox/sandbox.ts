import { platform } from "node:os";
import type { LoopId } from "../../core/loop.ts";
import {
  type CommandRequest,
  type CommandResult,
  type Sandbox,
  SandboxUnavailable,
} from "../../ports.ts";
import { Bulkhead } from "../process/bulkhead.ts";
import { textOf } from "../process/capture.ts";
import { runProcess } from "../process/launch.ts";
import { type ProcessEnd, type ProcessRequest, SpawnFailed } from "../process/run.ts";
import { type ChannelEnds, makeChannel, openOurEnds } from "./channel.ts";
import { type Ground, prepareGround, type SandboxOptions } from "./ground.ts";
import { AllowlistProxy } from "./network.ts";
import { probeGround, type SandboxProbe } from "./probe.ts";
import { reapBridges, reapSandboxes } from "./reap.ts";
import { confinedRequest, homeOf, type Launch, openRequest } from "./requests.ts";
import { removeTree } from "./scratch.ts";
import { shellArguments } from "./wrap.ts";

/**
 * Clears away what dead daemons left and tries once how this machine confines. Resolves also where
 * nothing does: then `run` rejects, unless its settings say `off`.
 */
export async function createSandbox(options: SandboxOptions): Promise<SrtSandbox> {
  if (platform() === "linux") {
    reapSandboxes(options.home);
    reapBridges();
  }
  const ground = prepareGround(options);
  return new SrtSandbox(ground, await probeGround(ground));
}

/** For `td doctor`: what the sandbox of a daemon with these options would be. */
export async function probeSandbox(options: SandboxOptions): Promise<SandboxProbe> {
  const sandbox = await createSandbox(options);
  await sandbox.close();
  return sandbox.probe;
}

/** A command that one talks with. When `ended` settles nothing of it is alive, as after `run`. */
export interface Served extends Omit<ChannelEnds, "close"> {
  readonly ended: Promise<CommandResult>;
}

/** Runs commands in bubblewrap (Linux) or Seatbelt (macOS), with the network of an allowlist. */
export class SrtSandbox implements Sandbox {
  readonly probe: SandboxProbe;
  readonly #ground: Ground;
  readonly #bulkhead: Bulkhead;
  readonly #proxy: AllowlistProxy;
  #served = 0;

  constructor(ground: Ground, probe: SandboxProbe) {
    this.probe = probe;
    this.#ground = ground;
    this.#proxy = new AllowlistProxy(ground.dropTo, async (host) => ground.options.denied?.(host));
    this.#bulkhead = new Bulkhead(ground.slots);
  }

  async run(request: CommandRequest, signal: AbortSignal): Promise<CommandResult> {
    this.#assertThere(request);
    const launch = { ...request, channel: null };
    const end = await this.#bulkhead.pass(signal, () => this.#runNow(launch, signal));
    return end === null ? neverStarted : this.#resultOf(end);
  }

  /**
   * The same for a command that is spoken to over its input and output, with a HOME that is new
   * each time. It takes no slot of the others, who may have to end before it does: whoever calls
   * this bounds how many there are.
   */
  async serve(request: CommandRequest, signal: AbortSignal): Promise<Served> {
    this.#assertThere(request);
    this.#served += 1;
    const dir = this.#ground.scratch.keep(`channel-${this.#served}`);
    const channel = await makeChannel(dir, this.#ground.dropTo);
    const { close, ...ends } = openOurEnds(channel);
    const run = async () => {
      try {
        return this.#resultOf(await this.#runNow({ ...request, channel }, signal));
      } finally {
        close();
        await removeTree(dir);
      }
    };
    return { ...ends, ended: run() };
  }

  #assertThere({ settings }: CommandRequest): void {
    if (settings.level === "required" && this.probe.problem !== null) {
      throw new SandboxUnavailable(this.probe.problem);
    }
  }

  forget(loop: LoopId): Promise<void> {
    return this.#ground.scratch.forget(loop);
  }

  /** Ends the proxy and removes this daemon's temporary files. No command may be running. */
  async close(): Promise<void> {
    await this.#proxy.close();
    this.#ground.scratch.close();
  }

  async #runNow(request: Launch, signal: AbortSignal): Promise<ProcessEnd> {
    const temp = this.#ground.scratch.temp();
    try {
      if (request.settings.level === "off") {
        return await this.#start(openRequest(this.#ground, request, { temp, argv: null }), signal);
      }
      if (this.probe.level === "seatbelt") return await this.#inSeatbelt(request, temp, signal);
      return await this.#inBubblewrap(request, temp, signal);
    } finally {
      await removeTree(temp);
    }
  }

  async #inBubblewrap(request: Launch, temp: string, signal: AbortSignal): Promise<ProcessEnd> {
    const { networkAllow } = request.settings;
    const confinement = this.probe.confinement ?? "user";
    if (networkAllow.length > 0 && this.probe.networkProblem !== null) {
      throw new SandboxUnavailable(this.probe.networkProblem);
    }
    const pass = networkAllow.length === 0 ? null : await this.#proxy.open(networkAllow);
    try {
      return await this.#start(
        confinedRequest(this.#ground, request, { confinement, temp, pass }),
        signal,
      );
    } finally {
      pass?.close();
    }
  }

  async #inSeatbelt(request: Launch, temp: string, signal: AbortSignal): Promise<ProcessEnd> {
    const { options, toolchains } = this.#ground;
    const [shell, , command] = shellArguments(this.#ground, request.command);
    const home = homeOf(this.#ground, request);
    const seatbelt = await this.#proxy.wrap({
      command,
      shell,
      hosts: request.settings.networkAllow,
      unixSockets: request.unixSockets,
      hidden: [options.userHome, options.home, ...(options.hidden ?? [])],
      readable: [...toolchains.readable, ...request.readable, request.cwd],
      writable: [...request.writable, ...(home === null ? [] : [home]), temp],
    });
    try {
      return await this.#start(
        openRequest(this.#ground, request, { temp, argv: seatbelt.argv }),
        signal,
      );
    } finally {
      seatbelt.close();
    }
  }

  async #start(request: ProcessRequest, signal: AbortSignal): Promise<ProcessEnd> {
    try {
      const end = await runProcess(request, signal);
      if (request.mark === null && !hasStarted(end)) {
        throw new SandboxUnavailable(
          `the sandbox did not start: ${this.#resultOf(end).stderr.trim()}`,
        );
      }
      return end;
    } catch (cause) {
      if (!(cause instanceof SpawnFailed)) throw cause;
      throw new SandboxUnavailable(cause.message, { cause });
    }
  }

  #resultOf({ exitCode, ended, durationMs, ...said }: ProcessEnd): CommandResult {
    const { redact } = this.#ground.options;
    return {
      ...{ exitCode, ended, durationMs },
      output: textOf(said.output, redact),
      stdout: textOf(said.stdout, redact),
      stderr: textOf(said.stderr, redact),
    };
  }
}

/** bubblewrap reports an exit code only for a command that it could start. */
function hasStarted(end: ProcessEnd): boolean {
  return end.ended !== "exited" || end.signal !== null || end.status.includes('"exit-code"');
}

const neverStarted: CommandResult = {
  exitCode: null,
  ended: "aborted",
  output: "",
  stdout: "",
  stderr: "",
  durationMs: 0,
};
