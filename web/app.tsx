import { useEffect } from "react";
import { LoopPage } from "./pages/loop.tsx";
import { LoopsPage } from "./pages/loops.tsx";
import { Overview } from "./pages/overview.tsx";
import { PlanPage, PlansPage } from "./pages/plans.tsx";
import { QueuePage } from "./pages/queue.tsx";
import { RecordsPage } from "./pages/records.tsx";
import { SettingsPage } from "./pages/settings.tsx";
import { SignIn } from "./pages/sign-in.tsx";
import { Header } from "./parts/header.tsx";
import { KeyHelp, useKeys } from "./parts/keys.tsx";
import { Toasts } from "./parts/toasts.tsx";
import { follow, useRoute } from "./route.ts";
import { useSeen } from "./store.ts";

export function App() {
  const connection = useSeen((now) => now.connection);
  // A page that is drawn before there is anything to show jumps as it comes.
  const isHere = useSeen((now) => now.status !== null);
  useKeys();
  if (connection === "signedOut") return <SignIn />;
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <Header />
      {connection === "lost" && (
        <p className="banner bad" role="status">
          The daemon does not answer. {isHere && "This is what was seen last. "}Trying again…
        </p>
      )}
      <main id="main" tabIndex={-1}>
        {isHere && <Page />}
      </main>
      <KeyHelp />
      <Toasts />
    </>
  );
}

function Page() {
  const { pathname } = useRoute();
  const [, view = "", id = ""] = pathname.split("/").map(decodeURIComponent);
  useEffect(() => {
    const name = view === "" ? "" : `${id === "" ? view : `${view} ${id}`} · `;
    document.title = `${name}TaskDaemon`;
  }, [view, id]);
  switch (view) {
    case "":
      return <Overview />;
    case "loops":
      return <LoopsPage />;
    case "loop":
      return <LoopPage key={id} id={id} />;
    case "plans":
      return <PlansPage />;
    case "plan":
      return <PlanPage key={id} id={id} />;
    case "records":
      return <RecordsPage />;
    case "queue":
      return <QueuePage />;
    case "settings":
      return <SettingsPage />;
    default:
      return (
        <p className="empty">
          There is no such page.{" "}
          <a href="/" onClick={follow}>
            The overview
          </a>{" "}
          begins it all.
        </p>
      );
  }
}
