/** What has a name and waits for others by theirs. */
interface Named {
  readonly name: string;
  readonly dependsOn: readonly string[];
}

/** A circle of names, its first one again at its end; null when there is none. */
export function firstCycle(all: readonly Named[]): readonly string[] | null {
  const byName = new Map(all.map((each) => [each.name, each]));
  const done = new Set<string>();
  for (const { name } of all) {
    const found = cycleFrom(name, byName, done, []);
    if (found !== null) return found;
  }
  return null;
}

/** As deep as there are names: each is walked once. */
function cycleFrom(
  name: string,
  byName: ReadonlyMap<string, Named>,
  done: Set<string>,
  way: readonly string[],
): readonly string[] | null {
  const start = way.indexOf(name);
  if (start >= 0) return [...way.slice(start), name];
  if (done.has(name)) return null;
  for (const next of byName.get(name)?.dependsOn ?? []) {
    const found = cycleFrom(next, byName, done, [...way, name]);
    if (found !== null) return found;
  }
  done.add(name);
  return null;
}

/** None before what it waits for; otherwise as they came. Names that are not there count as met. */
export function inOrder<Each extends Named>(all: readonly Each[]): readonly Each[] {
  const ordered: Each[] = [];
  const names = new Set(all.map(({ name }) => name));
  const placed = new Set<string>();
  let left = [...all];
  while (left.length > 0) {
    const next = left.find(({ dependsOn }) =>
      dependsOn.every((name) => placed.has(name) || !names.has(name)),
    );
    // Of a circle nothing comes first: whoever allows one gets it as it is.
    if (next === undefined) return [...ordered, ...left];
    ordered.push(next);
    placed.add(next.name);
    left = left.filter((each) => each !== next);
  }
  return ordered;
}
