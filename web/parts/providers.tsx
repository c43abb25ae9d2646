import type { ProviderView } from "../../src/protocol/status.ts";

/** Rates and breakers, one provider a row. */
export function Providers({ providers }: { readonly providers: readonly ProviderView[] }) {
  if (providers.length === 0) return null;
  return (
    <section className="panel">
      <h2>Providers</h2>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">provider</th>
              <th scope="col">breaker</th>
              <th scope="col">in flight</th>
              <th scope="col">waiting</th>
              <th scope="col">requests/min</th>
              <th scope="col">tokens/min in</th>
              <th scope="col">tokens/min out</th>
            </tr>
          </thead>
          <tbody>
            {providers.map((each) => (
              <tr key={each.name}>
                <th scope="row">{each.name}</th>
                <td className={each.breaker === "closed" ? "good" : "bad"}>{each.breaker}</td>
                <td>
                  {each.inFlight}
                  {each.concurrency === null ? "" : ` of ${each.concurrency}`}
                </td>
                <td>{each.waiting}</td>
                <td>{each.requestsPerMinute ?? "–"}</td>
                <td>{each.inputTokensPerMinute ?? "–"}</td>
                <td>{each.outputTokensPerMinute ?? "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
