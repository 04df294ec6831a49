const nextTurn = globalThis.setImmediate;
const QUIET_TURNS = 2;

let running = 0;
let activity = 0;

/**
 * Runs work that leaves the simulated world for a moment (Node's thread pool). The world stands still meanwhile. Such
 * work runs one after another, so that it ends in the order in which it began.
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

/** Resolves when all work under way waits for the world's time to pass. */
export async function settled(): Promise<void> {
  for (let quiet = 0; quiet < QUIET_TURNS;) {
    const before = activity;
    if (running > 0) await queue; // sleeps, because turns would take time from the thread pool
    await new Promise<void>((resolve) => void nextTurn(resolve));
    quiet = activity === before ? quiet + 1 : 0;
  }
}
