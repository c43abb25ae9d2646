import { useMemo, useState } from "react";
import { plain } from "../../src/views/plain.ts";
import { api } from "../api.ts";
import { useAsked } from "../parts/asked.ts";
import { useSeen } from "../store.ts";

/** What holds and where each value comes from; changed in its files, not here. */
export function SettingsPage() {
  const rows = useSeen((now) => now.rows);
  const repos = useMemo(() => [...new Set(rows.map(({ repo }) => repo))].sort(), [rows]);
  const [dir, setDir] = useState<string | null>(null);
  const asked = useAsked(() => api.config(dir), dir ?? "");
  return (
    <div className="page">
      <h1>Settings</h1>
      <p className="dim">
        Read only: values are changed in the files named beside them, which the daemon reads again
        by itself.
      </p>
      <form className="filter">
        <label>
          Repository
          <select
            value={dir ?? ""}
            onChange={({ target }) => setDir(target.value === "" ? null : target.value)}
          >
            <option value="">none: the user's own configuration</option>
            {repos.map((repo) => (
              <option key={repo}>{repo}</option>
            ))}
          </select>
        </label>
      </form>
      {asked.state === "refused" && <pre role="alert">{plain(asked.reason)}</pre>}
      {asked.state === "there" && (
        <>
          {asked.value.warnings.map((warning) => (
            <p key={warning} className="banner bad">
              {plain(warning)}
            </p>
          ))}
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable */}
          <pre className="panel code" tabIndex={0}>
            {plain(asked.value.text).trimEnd().split("\n").map(settingOf)}
          </pre>
        </>
      )}
    </div>
  );
}

/** A line of YAML with where its value is from: beside it, or on a narrow screen below. */
function settingOf(line: string, index: number) {
  const [, value = line, origin = ""] = /^(.*\S) +(# [^#]*)$/.exec(line) ?? [];
  return (
    <span key={index} className="setting">
      <span className="value">{value}</span>
      <span className="dim">{origin}</span>
    </span>
  );
}
