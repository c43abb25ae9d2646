/** Everything a reviewer wants to see, on a page of its own that can be kept. */
export function ReportLink({ id }: { readonly id: string }) {
  return (
    <a href={`/v1/loops/${id}/report.html`} target="_blank" rel="noreferrer">
      report
    </a>
  );
}
