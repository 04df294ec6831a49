import { VdcProblem } from "../../../shared/client/problem.ts";
import { intentLifetime } from "../profile.ts";
import { clientOf } from "./client.ts";
import { insist } from "./insist.ts";
import type { People } from "./people.ts";
import { submit, type Signed, type Submitted } from "./submitting.ts";

const HOUR = 3_600_000;

/** Submits a transaction that may have to be paid. The payment comes before, after, too late, twice, or never. */
export async function submitAndPay(people: People, signed: Signed): Promise<Submitted> {
  const { world, random, profile, promised } = people;
  if (!mustBePaid(people, signed)) return submit(people, signed);
  const { txId } = signed;
  promised.mustBePaid(txId);
  const lifetime = intentLifetime(profile);
  const when = random.pick(["before", "before", "afterwards", "afterwards", "afterwards", "late", "never"]);
  if (when === "before") {
    pay(people, txId);
    await world.sleep(random.between(0, HOUR / 2));
  }
  const submitted = await submit(people, signed);
  if (when === "never" || (submitted === "refused" && when !== "before")) return submitted;
  if (when !== "before") {
    await world.sleep(
      when === "late" ? lifetime + random.between(0, HOUR) : random.between(0, Math.floor(lifetime / 2)),
    );
    pay(people, txId);
  }
  return followUp(people, signed);
}

export function mustBePaid({ profile }: People, { submission }: Signed): boolean {
  const { PAID_TYPES = "", REGISTRATION } = profile.vars;
  if (submission.type === "user_registration") return REGISTRATION === "paid";
  return PAID_TYPES.split(",").includes(submission.type);
}

function pay({ stripe, errands, random, promised }: People, txId: string): void {
  promised.paid(txId);
  for (let times = random.chance(0.2) ? 2 : 1; times > 0; times--)
    errands.now(`paying for ${txId}`, async () => {
      const payment = await stripe.buys({ pays: txId });
      if (payment !== undefined) promised.paidBy(txId, payment);
    });
}

/** Looks up the submission's state, and sends the same bytes again when VDC needs them again. */
async function followUp(people: People, signed: Signed): Promise<Submitted> {
  const { stack, world, random, promised } = people;
  const { txId, submission } = signed;
  const client = clientOf(stack);
  for (;;) {
    await world.sleep(random.between(HOUR / 12, HOUR));
    const seen = await insist(world, random, () => client.transaction(txId));
    const state = seen === undefined ? "unknown" : seen instanceof VdcProblem ? "not_found" : seen.state;
    if (state === "awaiting_payment" || state === "unknown") continue;
    if (state !== "expired" && state !== "awaiting_submission" && state !== "not_found") {
      promised.taken(txId, `paid ${submission.type}`);
      return "taken";
    }
    const isDecided = isPaymentDecided(people, txId);
    const again = await submit(people, signed);
    if (again === "taken") return "taken";
    if (again === "refused" && isDecided) return "refused";
  }
}

/**
 * Tells whether a payment for the submission is mined, or every payment for it was erased before it was mined. In the first
 * case the chain head knows that the submission is paid; in the second it never learns it.
 */
function isPaymentDecided({ promised, onlooker }: People, txId: string): boolean {
  const payments = promised.paymentsOf(txId);
  const isMined = (payment: string) => onlooker.blockOf(payment) !== undefined;
  return (
    payments.some(isMined) ||
    (payments.length > 0 && payments.every((payment) => promised.erasureOf(payment) === null))
  );
}
