import { personalMember, type PersonalTrait } from "../../../shared/chain/public-text.ts";
import type { Submission } from "../../../shared/chain/submission.ts";
import { Problem } from "../../../shared/http/problems.ts";

const LOOKS_LIKE: Readonly<Record<PersonalTrait, string>> = {
  "card-number": "holds what looks like a payment card's number",
  "stripe-id": "looks like an id of Stripe",
  "private-part": "repeats what the private part holds",
};

/**
 * Refuses personal data in public fields, because a public transaction can't be taken back.
 * @throws Problem "personal-data", which does not repeat the data
 */
export function refusePersonal(submission: Submission): void {
  const found = personalMember(submission);
  if (found === undefined) return;
  const { member, trait } = found;
  throw new Problem(
    "personal-data",
    `Member ${member} ${LOOKS_LIKE[trait]}, and would be public for ever: choose an id that says nothing about a person.`,
    { members: { member } },
  );
}
