import { creation, registration, transfer } from "../../../shared/client/unsigned.ts";
import type { UnsignedSubmission } from "../../../shared/chain/submission.ts";
import type { UserKeys } from "../../../shared/client/user-keys.ts";
import { mustBePaid } from "./paying.ts";
import type { People } from "./people.ts";
import { newUser } from "./registering.ts";
import { sign, submit } from "./submitting.ts";
import { tricklesUpload } from "./trickling.ts";

const KEYS = 3;
const MOST_AT_ONCE = 16;

/**
 * A hostile submitter sends as much as possible with new keys, and pays for nothing. Each submission has the earliest
 * or latest time that the deployment accepts. The Workers refuse some of it at once, the rules of the chain refuse
 * some, and some is mined.
 */
export async function floods(people: People): Promise<void> {
  const { random, errands } = people;
  const keys = await Promise.all(Array.from({ length: KEYS }, newUser));
  const assetId = `flooded-${random.uint32()}`;
  for (let i = random.between(4, MOST_AT_ONCE); i > 0; i--)
    errands.now("flooding", async () => {
      if (random.chance(0.2)) await tricklesUpload(people);
      else await sends(people, random.pick(keys), keys, assetId);
    });
}

async function sends(
  people: People,
  user: UserKeys,
  keys: readonly UserKeys[],
  assetId: string,
): Promise<void> {
  const { promised, random } = people;
  const other = random.pick(keys);
  const timestamp = timeOf(people);
  const [unsigned, name, faults] = random.pick<[UnsignedSubmission, string | undefined, readonly string[]]>([
    [creation({ assetId }, timestamp), assetId, ["asset_exists"]],
    [transfer(assetId, other.userId, timestamp), undefined, ["unknown_asset", "not_owner"]],
    [transfer("no-such-house", other.userId, timestamp), undefined, ["unknown_asset"]],
    [registration(user, timestamp), user.userId, ["user_exists"]],
  ]);
  const signed = await sign(people, user, unsigned);
  if (name !== undefined) promised.isOneOf(name, signed.txId);
  promised.maySetAside(signed.txId, faults);
  if (mustBePaid(people, signed)) promised.mustBePaid(signed.txId);
  await submit(people, signed);
}

/** Returns a time near either end of the accepted window, or beyond it. */
function timeOf({ world, random, profile }: People): number {
  const window = Number(profile.vars.SUBMISSION_WINDOW_SECONDS) * 1_000;
  return world.now + random.pick([-1, 1]) * random.between(0, Math.floor(window * 1.1));
}
