import { Problem, type ProblemSlug } from "./problems.ts";

/** The answer of a Worker that is called by RPC. An exception would lose its class on the way, and become a 500. */
export type Outcome<T> =
  | { readonly done: T }
  | {
      readonly refused: {
        readonly slug: ProblemSlug;
        readonly detail: string;
        readonly members: Readonly<Record<string, unknown>>;
        readonly headers: Readonly<Record<string, string>>;
      };
    };

export async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { done: await work() };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { slug, message, members, headers } = error;
    return { refused: { slug, detail: message, members, headers } };
  }
}

/** @throws Problem with which the other Worker refused */
export function done<T>(outcome: Outcome<T>): T {
  if ("done" in outcome) return outcome.done;
  const { slug, detail, members, headers } = outcome.refused;
  throw new Problem(slug, detail, { members, headers });
}
