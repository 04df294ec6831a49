import type { ActivationRequest } from "../../../shared/api/activation.ts";
import { registrationOf } from "../../../shared/api/activation.ts";
import { payloadOfSubmission } from "../../../shared/chain/submission.ts";
import { activationRequest } from "../../../shared/client/activation.ts";
import { VdcProblem } from "../../../shared/client/problem.ts";
import { registration } from "../../../shared/client/unsigned.ts";
import { generateUserKeys, importUserKeys, type UserKeys } from "../../../shared/client/user-keys.ts";
import type { IssuedToken } from "../../../shared/api/activation.ts";
import { FARTHEST } from "../world/clocks.ts";
import { clientOf } from "./client.ts";
import { insist } from "./insist.ts";
import { submitAndPay } from "./paying.ts";
import type { People } from "./people.ts";
import { PERSONAL } from "./stripe.ts";
import { sign } from "./submitting.ts";

export async function newUser(): Promise<UserKeys> {
  return importUserKeys(generateUserKeys());
}

/** A user registers by a submission, now and then by two with different times. One of them is mined. */
export async function registers(people: People, user: UserKeys): Promise<void> {
  const { world, random, promised, errands } = people;
  const times = random.chance(0.2) ? 2 : 1;
  for (let i = 0; i < times; i++) {
    const signed = await sign(people, user, registration(user, world.now + i));
    promised.isOneOf(user.userId, signed.txId);
    if (times > 1) promised.maySetAside(signed.txId, ["user_exists"]);
    errands.now(`registering ${user.userId}`, () => submitAndPay(people, signed));
  }
}

/** A user registers with an operator's token. Now and then another person uses the same token. */
export async function isInvited(people: People, user: UserKeys): Promise<void> {
  const { world, random, operator, errands } = people;
  const seconds = random.pick([60, 600, 86_400]);
  const issued = await operator.invites(seconds);
  if (issued === undefined) return;
  if (random.chance(0.4)) {
    const other = await newUser();
    errands.now("using somebody's token", () => activates(people, other, issued));
  }
  await world.sleep(random.pick([0, 1_000, 60_000, 900_000]));
  await activates(people, user, issued);
}

async function activates(people: People, user: UserKeys, issued: IssuedToken): Promise<void> {
  const { stack, world, random, promised, errands } = people;
  const metadata = random.chance(0.5) ? { name: PERSONAL } : undefined;
  const { token } = issued;
  const request = await activationRequest(stack.chainId, token, user, world.now, metadata);
  const { id: txId } = payloadOfSubmission(stack.chainId, registrationOf(request)).transaction;
  const activation = { request, txId, isTooLate: world.now > issued.expiresAt + 2 * FARTHEST };
  promised.isByToken(token, txId);
  if (random.chance(0.3)) errands.now("using a token twice", () => activate(people, activation));
  await activate(people, activation);
}

interface Activation {
  readonly request: ActivationRequest;
  readonly txId: string;
  /** The token has expired by every clock of the deployment. */
  readonly isTooLate: boolean;
}

async function activate(people: People, { request, txId, isTooLate }: Activation): Promise<void> {
  const { stack, world, random, promised } = people;
  const client = clientOf(stack, () => isTooLate || promised.offered(txId));
  const answer = await insist(world, random, () => client.activate(request));
  if (answer === undefined || answer instanceof VdcProblem) return;
  if (isTooLate) world.broken("an expired token is of no use", txId);
  promised.taken(txId, "activation");
  const { encryptedMetadata } = request;
  if (encryptedMetadata !== undefined) promised.metadata(encryptedMetadata.userId, encryptedMetadata.version);
}
