import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { go } from "./route.ts";
import { connect, signIn } from "./store.ts";
import "./theme.css";
import "./style.css";
import "./frame.css";
import "./panels.css";
import "./rows.css";
import "./loop.css";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no root");
const token = /^#token=([\w-]+)$/.exec(location.hash)?.[1];
if (token === undefined) connect();
else {
  // Not in the history, nor on the screen when it is shared.
  go(location.pathname, { replace: true });
  // A wrong one does no harm to who is signed in; else the page that asks for one tells why.
  signIn(token).catch(({ message }: Error) => connect({ refusal: message }));
}
createRoot(root).render(<App />);
