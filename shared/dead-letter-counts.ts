/** What `DeadLetters.counts()` answers. Times are milliseconds since the epoch. */
export interface DeadLetterCounts {
  readonly open: Readonly<Record<string, number>>;
  readonly replaying: number;
  readonly resolved: number;
  readonly dismissed: number;
  readonly oldestOpenAt: number | null;
}

/** To be connected: `env.DEAD_LETTERS.getByName(env.CHAIN_ID).counts()`. */
export async function deadLetterCounts(_env: object): Promise<DeadLetterCounts> {
  throw new Error("the dead-letter store is not connected yet");
}
