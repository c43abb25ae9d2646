import { money } from "../format.ts";
import { follow, useRoute } from "../route.ts";
import { useSeen } from "../store.ts";
import { ThemeButton } from "./theme.tsx";
import { views } from "./views.ts";

/** Where one can go, and the numbers that matter everywhere. */
export function Header() {
  return (
    <header className="top">
      <a className="brand" href="/" onClick={follow}>
        <img src="/icon.svg" alt="" width="22" height="22" />
        <span>TaskDaemon</span>
      </a>
      <Nav />
      <Counters />
      <Connection />
      <ThemeButton />
    </header>
  );
}

function Nav() {
  const { pathname } = useRoute();
  return (
    <nav aria-label="Views">
      {views.map(({ path, name, also }) => {
        const isHere = pathname === path || also.some((prefix) => pathname.startsWith(prefix));
        return (
          <a key={path} href={path} onClick={follow} aria-current={isHere ? "page" : undefined}>
            {name}
          </a>
        );
      })}
    </nav>
  );
}

function Counters() {
  const status = useSeen((now) => now.status);
  if (status === null) return <p className="counters" />;
  const { loops, budget } = status;
  const waiting = loops["pending"] ?? 0;
  const needed = (loops["blocked"] ?? 0) + (loops["draft"] ?? 0);
  const limit = budget.dayUsd === null ? "" : ` of ${money(budget.dayUsd)}`;
  return (
    <p className="counters">
      <span className="running">● {loops["running"] ?? 0} running</span>
      <span className="pending">◌ {waiting} waiting</span>
      <span className="blocked">◆ {needed} need you</span>
      <span className="failed">✗ {loops["failed"] ?? 0} failed</span>
      <span>
        {money(budget.daySpentUsd)}
        {limit} today
      </span>
    </p>
  );
}

const words = { connecting: "connecting…", live: "live", lost: "reconnecting…", signedOut: "" };

function Connection() {
  const connection = useSeen((now) => now.connection);
  return (
    <span className={`connection ${connection}`} role="status">
      {words[connection]}
    </span>
  );
}
