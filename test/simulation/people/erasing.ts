import type { Erased } from "../../../shared/api/privacy.ts";
import { posted } from "./operator.ts";
import type { People } from "./people.ts";

const SOONEST = 60_000;
const LATEST = 3_600_000;

/** A user wants the private part of an accepted transaction erased. The operator asks until it is erased or refused. */
export async function erasesSomething(people: People): Promise<void> {
  const { random, promised } = people;
  const known = promised.transactions;
  if (known.length === 0) return;
  const txId = random.pick(known);
  await erases(people, txId);
  if (random.chance(0.3)) await erases(people, txId);
}

async function erases({ operator, promised, random, world }: People, txId: string): Promise<void> {
  promised.erasing(txId);
  let mayBeDone = false;
  for (;;) {
    const answer = await operator.click(`/api/privacy/${txId}/erase`, posted({ reason: "he asked for it" }));
    if (answer?.status === 200) {
      const { blockNumber } = answer.json() as Erased;
      promised.erased(txId, blockNumber);
      return;
    }
    // The transaction was set aside, and then the chain head lost its storage. No trace of it is left, so no later
    // request can succeed.
    if (answer?.status === 404 && world.calm) return;
    // An erasure that may have begun must be finished. The operator may give up an erasure that was only ever refused.
    if (answer === undefined || answer.status >= 500) mayBeDone = true;
    if (!mayBeDone && random.chance(0.3)) {
      promised.notErased(txId);
      return;
    }
    await world.sleep(random.between(SOONEST, LATEST));
  }
}
