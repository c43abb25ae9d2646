/** What is asked of the worker that places a graph's nodes, and what it answers. */
export const nodeWidth = 210;
export const nodeHeight = 46;

export interface Edge {
  readonly from: string;
  readonly to: string;
  /** A child of its parent, or one that waits for another. */
  readonly kind: "child" | "after";
}

export interface LayoutRequest {
  readonly key: string;
  readonly ids: readonly string[];
  readonly edges: readonly Edge[];
}

export interface Layout {
  readonly key: string;
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly { readonly id: string; readonly x: number; readonly y: number }[];
  readonly paths: readonly (Edge & { readonly d: string })[];
}
