import type { DocumentStatus } from "../../../shared/chain/document.ts";
import { openDocument, sealDocument } from "../../../shared/client/documents.ts";
import { VdcProblem, VdcUnreachable } from "../../../shared/client/problem.ts";
import type { UserKeys } from "../../../shared/client/user-keys.ts";
import { clientOf } from "./client.ts";
import { insist } from "./insist.ts";
import type { People } from "./people.ts";
import { PERSONAL } from "./stripe.ts";

/** Expects a document that is called pinned to be on IPFS, unless the service has lost it. */
function expectPinned({ stack: { pinning, world } }: People, { id, documentCid }: DocumentStatus): void {
  if (pinning.truth(documentCid) === undefined && !pinning.hasLost(documentCid))
    world.broken("a document is kept", `${id} is called pinned, and is not`);
}

/** The user gives up after the first attempt: what it leaves in R2 is pinned, and in the index, all the same. */
async function triesOnce(attempt: () => Promise<unknown>): Promise<void> {
  await attempt().catch((error: unknown) => {
    if (!(error instanceof VdcProblem || error instanceof VdcUnreachable)) throw error;
  });
}

/** A user stores a document, now and then from two devices at once, and later checks that it is there. */
export async function keepsDocument(people: People, user: UserKeys): Promise<void> {
  const { stack, world, random, promised, errands } = people;
  const document = new Uint8Array(random.between(1, 2_000));
  random.bytesInto(document);
  document.set(Buffer.from(PERSONAL).subarray(0, document.length));
  const { id, bytes } = await sealDocument(stack.chainId, document, user);
  const client = clientOf(stack);
  const put = async () => {
    const stored = await insist(world, random, () => client.putDocument({ id, bytes }));
    if (stored === undefined || stored instanceof VdcProblem) return false;
    promised.document(id, { cid: stored.documentCid, bytes });
    return true;
  };
  const waitsForPin = async () => {
    for (;;) {
      const status = await insist(world, random, () => client.documentStatus(id));
      if (status === undefined) return;
      if (status instanceof VdcProblem) return world.broken("a document is kept", `${id} is ${status.slug}`);
      if (status.state === "pinned") return expectPinned(people, status);
      await world.sleep(random.between(1_000, 3_600_000));
    }
  };
  if (random.chance(0.2)) return triesOnce(() => client.putDocument({ id, bytes }));
  if (random.chance(0.3)) errands.now(`storing ${id} twice`, put);
  if (!(await put())) return;
  if (random.chance(0.5)) errands.now(`waiting until ${id} is pinned`, waitsForPin);
  await world.sleep(random.between(0, 3_600_000));
  const record = await insist(world, random, () => client.getDocument(id));
  if (record === undefined) return;
  if (record instanceof VdcProblem) world.broken("a document is kept", `${id} is answered ${record.slug}`);
  else if (!Buffer.from(await openDocument(stack.chainId, record, user, id)).equals(document))
    world.broken("a document is kept", `${id} opens to something else`);
}
