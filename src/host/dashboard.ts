import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packageRoot } from "../package-root.ts";
import type { DashboardView } from "../protocol/dashboard.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import { readAssets } from "../server/assets.ts";
import { openWebDoor, type Serving, type WebDoor } from "../server/web-door.ts";

/** Where it is unless somebody says otherwise, or somebody else is there. */
const usualPort = 7_817;
const tokenBytes = 32;

const pages = join(packageRoot, "dist", "web");

/**
 * The dashboard's door, closed until somebody asks for it. Port and token are kept in the home, so
 * that pages find a daemon that was started again, and Prometheus its credentials.
 */
export class Dashboard {
  readonly #home: string;
  readonly #serving: Serving;
  #door: WebDoor | null = null;
  #opening: Promise<unknown> = Promise.resolve();

  private constructor(home: string, serving: Serving) {
    this.#home = home;
    this.#serving = serving;
  }

  /** Open where it was when the last daemon ended: elsewhere would be of no use to its pages. */
  static of(home: string, serving: Serving, warn: (why: string) => void): Dashboard {
    const dashboard = new Dashboard(home, serving);
    const port = portIn(join(home, portFile));
    if (port !== null) {
      dashboard.open(port).catch((error: unknown) => warn(`no dashboard: ${String(error)}`));
    }
    return dashboard;
  }

  /** One after the other. */
  open(port: number | null): Promise<DashboardView> {
    const opened = this.#opening.then(() => this.#open(port));
    this.#opening = opened.catch(() => undefined);
    return opened;
  }

  async #open(port: number | null): Promise<DashboardView> {
    const token = await this.#token();
    if (this.#door === null || (port !== null && port !== 0 && port !== this.#door.port)) {
      const door = await this.#bind(port, token);
      await this.#door?.close();
      this.#door = door;
      await writeFile(join(this.#home, portFile), `${door.port}\n`, { mode: 0o600 });
    }
    const bound = this.#door.port;
    return { port: bound, url: `http://127.0.0.1:${bound}/#token=${token}` };
  }

  async #bind(port: number | null, token: string): Promise<WebDoor> {
    const assets = readAssets(pages);
    const options = { token, assets, serving: this.#serving };
    try {
      return await openWebDoor({ ...options, port: port ?? usualPort });
    } catch (error) {
      if (codeOf(error) === "EADDRINUSE" && port === null) {
        return openWebDoor({ ...options, port: 0 });
      }
      if (codeOf(error) !== "EADDRINUSE" && codeOf(error) !== "EACCES") throw error;
      const why = codeOf(error) === "EACCES" ? "is not for this user" : "is taken";
      const message = `port ${port} ${why}: td dashboard --port 0 takes any that is free`;
      throw new UserError(exitCodes.usage, message, { cause: error });
    }
  }

  async #token(): Promise<string> {
    const file = join(this.#home, tokenFile);
    const kept = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
    if (/^[\w-]{40,100}$/.test(kept)) return kept;
    const token = randomBytes(tokenBytes).toString("base64url");
    await writeFile(file, `${token}\n`, { mode: 0o600 });
    return token;
  }

  async close(): Promise<void> {
    await this.#opening;
    await this.#door?.close();
  }
}

const tokenFile = "dashboard.token";
const portFile = "dashboard.port";

function portIn(file: string): number | null {
  if (!existsSync(file)) return null;
  const port = Number(readFileSync(file, "utf8"));
  return Number.isInteger(port) && port > 0 && port <= 65_535 ? port : null;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : null;
}
