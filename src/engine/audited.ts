import type { Loop, LoopId } from "../core/loop.ts";
import type { Audit, AuditAct } from "../ports/audit.ts";
import type { Fetcher } from "../ports/fetcher.ts";
import type { Files, Sandbox } from "../ports.ts";

/** The same files; every write is in the audit. A refused one has changed nothing and is not. */
export function auditedFiles(files: Files, audit: Audit, loop: LoopId): Files {
  return {
    relative: (path) => files.relative(path),
    read: (path) => files.read(path),
    list: (path, depth) => files.list(path, depth),
    glob: (pattern, path) => files.glob(pattern, path),
    grep: (query, signal) => files.grep(query, signal),
    write: async (path, text, version) => {
      const written = await files.write(path, text, version);
      const bytes = new TextEncoder().encode(text).length;
      const name = files.relative(path);
      await audit.record({ type: "file", loop, path: name, bytes, version: written.version });
      return written;
    },
  };
}

/** The same sandbox for one purpose; every command is in the audit before it runs. */
export function auditedSandbox(
  sandbox: Sandbox,
  audit: Audit,
  purpose: Extract<AuditAct, { type: "command" }>["purpose"],
): Pick<Sandbox, "run"> {
  return {
    run: async (request, signal) => {
      const { loop, command, settings } = request;
      const { level, networkAllow: network } = settings;
      await audit.record({ type: "command", loop, purpose, command, sandbox: level, network });
      return sandbox.run(request, signal);
    },
  };
}

/** The same fetcher for one loop; every host is in the audit before it is contacted. */
export function auditedFetch(
  fetcher: Fetcher,
  audit: Audit,
  { id, settings }: Loop,
): (url: string, signal: AbortSignal) => Promise<string> {
  const { networkAllow } = settings.sandbox;
  return (url, signal) =>
    fetcher.fetch(url, networkAllow, signal, (host, allowed) =>
      audit.record({ type: "host", loop: id, host, allowed }),
    );
}
