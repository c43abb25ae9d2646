import { type FormEvent, useState } from "react";
import { signIn, useSeen } from "../store.ts";

/** Where nobody has the token yet. */
export function SignIn() {
  const [problem, setProblem] = useState(useSeen((now) => now.refusal));
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = String(new FormData(event.currentTarget).get("token") ?? "");
    const token = given.split("token=").at(-1)?.trim() ?? "";
    signIn(token).catch((error: Error) => setProblem(error.message));
  };
  return (
    <main className="sign-in">
      <h1>TaskDaemon</h1>
      <p>
        This page shows and steers your loops, so it asks who you are. Run <code>td dashboard</code>{" "}
        in a terminal of this machine and open the link that it prints, or paste it here.
      </p>
      <form onSubmit={submit}>
        <label>
          Link or token
          <input name="token" type="password" autoComplete="off" required />
        </label>
        <button type="submit">Sign in</button>
      </form>
      {problem !== null && <p role="alert">{problem}</p>}
    </main>
  );
}
