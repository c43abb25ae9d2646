import type { BoardMessage } from "./board.ts";

/** Who hears what the daemon tells its screens. */
export interface BoardHearing {
  readonly hear: (message: BoardMessage) => void;
  /** Said when the daemon is reached, and when it is lost. */
  readonly linked: (isLinked: boolean) => void;
}

export interface BoardLink {
  /** All that goes by is told of one loop: of this, or of none. */
  focus(id: string | null): void;
  close(): void;
}
