import { readdirSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { isWithin } from "./paths.ts";

export interface Toolchains {
  /** Directories to show read-only, though they lie in hidden places. */
  readonly readable: readonly string[];
  /** Variables by which tools find their own files though HOME is another. */
  readonly env: Readonly<Record<string, string>>;
}

interface KnownToolchain {
  /** Below the user's home; a PATH entry in it makes the rest visible. */
  readonly root: string;
  readonly show: readonly string[];
  readonly env?: readonly [name: string, path: string];
}

/** What a PATH entry needs besides itself. Nothing here may hold credentials. */
const known: readonly KnownToolchain[] = [
  // Not .cargo as a whole: credentials.toml lies there.
  { root: ".cargo", show: [".cargo/bin", ".rustup"], env: ["RUSTUP_HOME", ".rustup"] },
  { root: ".nvm", show: [".nvm"], env: ["NVM_DIR", ".nvm"] },
  { root: ".pyenv", show: [".pyenv"], env: ["PYENV_ROOT", ".pyenv"] },
  { root: ".rbenv", show: [".rbenv"], env: ["RBENV_ROOT", ".rbenv"] },
  { root: ".nodenv", show: [".nodenv"], env: ["NODENV_ROOT", ".nodenv"] },
  { root: ".goenv", show: [".goenv"], env: ["GOENV_ROOT", ".goenv"] },
  { root: ".asdf", show: [".asdf"], env: ["ASDF_DATA_DIR", ".asdf"] },
  { root: ".volta", show: [".volta"], env: ["VOLTA_HOME", ".volta"] },
  { root: ".sdkman", show: [".sdkman/candidates"] },
  { root: ".bun", show: [".bun/bin"] },
  { root: ".deno", show: [".deno/bin"] },
  { root: ".linuxbrew", show: [".linuxbrew"] },
  {
    root: ".local/share/mise",
    show: [".local/share/mise"],
    env: ["MISE_DATA_DIR", ".local/share/mise"],
  },
  { root: ".local/share/fnm", show: [".local/share/fnm"] },
  { root: ".local/share/pnpm", show: [".local/share/pnpm"] },
  { root: ".local/share/uv", show: [".local/share/uv"] },
  {
    root: ".local/bin",
    show: [".local/bin", ".local/lib", ".local/share/pipx", ".local/share/uv"],
  },
];

/** Never shown, whatever PATH says: places where secrets are kept. */
const secretive = new Set([
  ".ssh", ".aws", ".azure", ".config", ".gnupg", ".docker", ".kube", ".claude", ".codex", ".gemini",
  ".password-store", ".mozilla", ".thunderbird", ".git", ".taskdaemon",
]); // biome-ignore format: a list

const systemBins = new Set(["/bin", "/sbin", "/usr/bin", "/usr/sbin"]);
const linksMax = 2000;

/** What has to be visible so that the programs on PATH run, outside `visible` directories. */
export function findToolchains(
  searchPath: readonly string[],
  userHome: string,
  visible: readonly string[],
): Toolchains {
  const readable = new Set<string>();
  const env: Record<string, string> = {};
  const isVisible = (path: string) => visible.some((root) => isWithin(path, root));
  const show = (dir: string) => {
    if (isVisible(dir) || !isDirectory(dir)) return;
    const toolchain = known.find(({ root }) => isWithin(dir, join(userHome, root)));
    for (const path of toolchain?.show.map((p) => join(userHome, p)) ?? surroundings(dir)) {
      if (isDirectory(path) && isPublic(path, userHome)) readable.add(path);
    }
    if (toolchain?.env !== undefined) env[toolchain.env[0]] = join(userHome, toolchain.env[1]);
  };
  for (const dir of searchPath) {
    show(dir);
    if (systemBins.has(dir)) continue;
    for (const target of linkTargets(dir)) show(dirname(target));
  }
  return { readable: [...readable], env };
}

/** `X/bin` needs `X/lib`; a package's `.bin` needs the packages; anything else stands alone. */
function surroundings(dir: string): string[] {
  const parent = dirname(dir);
  if (basename(dir) === ".bin") return [parent];
  if (basename(parent) === "node_modules") return [parent];
  const modules = /^(.*?\/node_modules)\//.exec(dir)?.[1];
  if (modules !== undefined) return [modules];
  if (basename(dir) !== "bin") return [dir];
  return ["bin", "lib", "lib64", "libexec", "include", "share"].map((name) => join(parent, name));
}

function isPublic(path: string, userHome: string): boolean {
  if (path === userHome || isWithin(userHome, path)) return false;
  return !resolve(path)
    .split("/")
    .some((part) => secretive.has(part));
}

/** Where the links in a directory of programs lead: a real path and each first step. */
function linkTargets(dir: string): string[] {
  const targets = new Set<string>();
  try {
    const own = realpathSync(dir);
    if (own !== dir) targets.add(join(own, "program"));
    for (const entry of readdirSync(dir, { withFileTypes: true }).slice(0, linksMax)) {
      if (!entry.isSymbolicLink()) continue;
      const path = join(dir, entry.name);
      targets.add(resolve(dir, readlinkSync(path)));
      targets.add(realpathSync(path));
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A PATH entry may be missing or closed, and a link may lead nowhere.
    if (code !== "ENOENT" && code !== "EACCES" && code !== "ENOTDIR" && code !== "ELOOP")
      throw error;
  }
  return [...targets];
}

/** What we may not look at (another user's directory in PATH) is no toolchain of ours. */
function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
