import type { ProviderView } from "../../src/protocol/status.ts";

/** Rates and breakers, one provider a row. */
export function Providers({ providers }: { readonly providers: readonly ProviderView[] }) {
  if (providers.length === 0) return null;
  return (
    <section className="panel">
      <h2>Providers</h2>
      <div className="scroll">
        <table className="stacked">
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
                <td data-name="breaker" className={each.breaker === "closed" ? "good" : "bad"}>
                  {each.breaker}
                </td>
                <td data-name="in flight">
                  {each.inFlight}
                  {each.concurrency === null ? "" : ` of ${each.concurrency}`}
                </td>
                <td data-name="waiting">{each.waiting}</td>
                <td data-name="requests/min">{each.requestsPerMinute ?? "–"}</td>
                <td data-name="tokens/min in">{each.inputTokensPerMinute ?? "–"}</td>
                <td data-name="tokens/min out">{each.outputTokensPerMinute ?? "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
