import type { UserKeys } from "../../../shared/client/user-keys.ts";
import { Assets } from "./assets.ts";
import { keepsDocument } from "./documents.ts";
import { Diary } from "./metadata.ts";
import type { People } from "./people.ts";
import { isInvited, newUser, registers } from "./registering.ts";

/**
 * Arranges everything that users sign, and the times. The last user is dishonest: another user's asset must never
 * become theirs.
 */
export async function arrangeUsers(people: People): Promise<void> {
  const { profile, random } = people;
  const users: UserKeys[] = [];
  for (let i = 0; i < profile.users; i++) users.push(await newUser());
  const honest = users.slice(0, Math.max(1, users.length - 1));
  const thief = users.at(-1);
  if (thief === undefined) return;
  const assets = new Assets(people);
  for (const user of users) {
    sometime(people, 0.2, "becoming a user", () =>
      random.chance(0.5) ? registers(people, user) : isInvited(people, user),
    );
    const diary = new Diary(people, user);
    for (let i = random.between(0, 3); i > 0; i--) sometime(people, 1, "a diary", () => diary.changes());
    for (let i = random.between(0, 2); i > 0; i--)
      sometime(people, 1, "a document", () => keepsDocument(people, user));
  }
  for (let i = random.between(0, 5); i > 0; i--) {
    const user = random.pick(honest);
    sometime(people, 0.6, "a creation", () => assets.isCreatedBy(user));
    if (random.chance(0.6)) sometime(people, 1, "a transfer", () => assets.isPassedOn(honest));
    if (random.chance(0.3)) sometime(people, 0.9, "transfers", () => assets.changesHands(honest));
    if (random.chance(0.3)) sometime(people, 0.7, "a second creation", () => assets.isCreatedAgainBy(thief));
    if (random.chance(0.3)) sometime(people, 1, "a theft", () => assets.isStolenBy(thief));
    if (random.chance(0.2)) sometime(people, 1, "a forgery", () => assets.isForgedBy(thief, user));
  }
}

/** Starts an errand at a random time in the first part of the busy time. */
function sometime(
  { world, profile, random, errands }: People,
  part: number,
  what: string,
  run: () => Promise<void>,
): void {
  errands.at(world.now + random.between(0, Math.floor(profile.busy * part)), what, run);
}
