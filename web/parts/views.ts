/** The pages, in the order of their keys: `1` is the first. */
export const views = [
  { path: "/", name: "Overview", also: [] },
  { path: "/loops", name: "Loops", also: ["/loop/"] },
  { path: "/plans", name: "Plans", also: ["/plan/"] },
  { path: "/records", name: "Records", also: [] },
  { path: "/queue", name: "Queue", also: [] },
  { path: "/settings", name: "Settings", also: [] },
] as const;
