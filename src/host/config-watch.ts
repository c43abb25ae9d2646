/** How often it looks at the files. */
const lookMs = 500;

export interface ConfigWatch {
  /** Whether files are others than when they were read last. */
  readonly hasMoved: () => Promise<boolean>;
  readonly reload: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/**
 * Reads the configuration again once its files have changed and been left alone from one look to
 * the next: who saves three files, or switches a branch, is given the time. Returns the way out.
 */
export function watchConfig({ hasMoved, reload, onError }: ConfigWatch): () => void {
  let hasMovedBefore = false;
  let isOver = false;
  let timer: NodeJS.Timeout | null = null;
  const look = async () => {
    const now = await hasMoved();
    if (now && hasMovedBefore) await reload();
    hasMovedBefore = now && !hasMovedBefore;
  };
  const again = () => {
    if (isOver) return;
    timer = setTimeout(() => void look().catch(onError).then(again), lookMs);
    timer.unref();
  };
  again();
  return () => {
    isOver = true;
    if (timer !== null) clearTimeout(timer);
  };
}
