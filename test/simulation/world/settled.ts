const nextTurn = globalThis.setImmediate;
const QUIET_TURNS = 2;

let running = 0;
let activity = 0;

/**
 * Work that leaves the simulated world for a moment (Node's thread pool): the world stands still meanwhile. One after
 * another, so that their ends come in the order of their beginnings.
 */
export function outside<T>(work: () => Promise<T>): Promise<T> {
  running++;
  activity++;
  const turn = queue.then(work);
  queue = turn.then(ended, ended);
  return turn;
}

let queue: Promise<void> = Promise.resolve();

function ended(): void {
  running--;
  activity++;
}

/** Resolves when everything that is under way waits for the world's time to pass. */
export async function settled(): Promise<void> {
  for (let quiet = 0; quiet < QUIET_TURNS;) {
    const before = activity;
    if (running > 0) await queue; // asleep: turns would take the thread pool's time away from it
    await new Promise<void>((resolve) => void nextTurn(resolve));
    quiet = activity === before ? quiet + 1 : 0;
  }
}
