import { withDeadline } from "./deadline.ts";
import { errorText, type Log } from "./log.ts";

type Readers = Readonly<Record<string, () => Promise<unknown>>>;

/** The result of each reader; `undefined` for a reader that failed or took too long. */
export type Parts<R extends Readers> = {
  readonly [Name in keyof R]: Awaited<ReturnType<R[Name]>> | undefined;
};

const PART_DEADLINE_MS = 5_000;

/** Runs all readers at once and independently: one that fails hides no other's result. */
export async function readParts<const R extends Readers>(readers: R, log: Log): Promise<Parts<R>> {
  const read = Object.entries(readers).map(async ([name, reader]) => {
    try {
      return [name, await withDeadline(PART_DEADLINE_MS, name, reader)] as const;
    } catch (error) {
      log.error("part.unreadable", { part: name, error: errorText(error) });
      return [name, undefined] as const;
    }
  });
  return Object.fromEntries(await Promise.all(read)) as Parts<R>;
}
