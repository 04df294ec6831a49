import type { Submission } from "./submission.ts";
import type { Json } from "../crypto/canonical.ts";

/** A trait that makes a text unfit to be public for ever. */
export type PersonalTrait = "card-number" | "stripe-id" | "private-part";

/** The public texts that the user of a submission chooses. All other members are ids, hashes and keys of a fixed form. */
const CHOSEN = ["assetId", "documentType"] as const;

/** Finds the first public member that must not be public, by its path in the body; `undefined` when all may be public. */
export function personalMember({
  data,
  private: privatePart,
}: Pick<Submission, "data" | "private">): { member: string; trait: PersonalTrait } | undefined {
  const texts = textsIn(privatePart?.part as Json | undefined);
  for (const name of CHOSEN) {
    const text: unknown = Reflect.get(data, name);
    if (typeof text !== "string") continue;
    const trait = traitOf(text) ?? (texts.some((other) => repeats(text, other)) ? "private-part" : undefined);
    if (trait !== undefined) return { member: `data.${name}`, trait };
  }
  return undefined;
}

export function traitOf(text: string): PersonalTrait | undefined {
  if (isStripeId(text)) return "stripe-id";
  return holdsCardNumber(text) ? "card-number" : undefined;
}

/** Prefixes of the ids of Stripe's objects, which are private. */
const OF_STRIPE =
  "(?:acct|ba|btok|card|ch|cn|cs|cus|dp|evt|fee|file|ii|in|link|mandate|mbur|pi|plan|plink|pm|po|price|prod|promo|prv|pst|py|pyr|qt|re|req|seti|setatt|si|src|sub|sub_sched|ta|tok|tr|trr|txcd|txi|txn|txr|we|whsec|[rs]k_(?:live|test))_";
/**
 * Requires a digit or a capital in the id: `price_list` is a word. After other text the id must also have the length of a
 * real one.
 */
const STRIPE_ID = new RegExp(
  `^${OF_STRIPE}(?=.*[0-9A-Z])|[._:-]${OF_STRIPE}(?:test_|live_)?(?=[a-z]*[0-9A-Z])[A-Za-z0-9]{10}`,
);

function isStripeId(text: string): boolean {
  return STRIPE_ID.test(text);
}

/** A UUID (RFC 9562 §4), or a hash: its digits have no meaning, and some may look like a card's number. */
const RANDOM_HEX =
  /(?=[^a-f]*[a-f])(?:(?<![0-9a-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24,})(?![0-9a-z])/gi;
/** Digits in groups, with one separator between two. */
const GROUPS = /\d+(?:[._:-]\d+)*/g;

/**
 * Decides whether 13 to 19 digits (ISO/IEC 7812-1), together or in groups, can be a payment card's number: a network of
 * cards issues the prefix, and the check digit is right. An ISBN, a date or a time in milliseconds is therefore not a
 * card's number.
 */
function holdsCardNumber(text: string): boolean {
  const runs = text.replaceAll(RANDOM_HEX, " ").match(GROUPS) ?? [];
  return runs.some((run) => numbersIn(run.split(/\D/)).some(isCardNumber));
}

/** Joins whole neighbouring groups into numbers of 13 to 19 digits. */
function numbersIn(groups: readonly string[]): string[] {
  return groups.flatMap((_, first) => {
    const found: string[] = [];
    let number = "";
    for (const group of groups.slice(first)) {
      number += group;
      if (number.length > 19) break;
      if (number.length >= 13) found.push(number);
    }
    return found;
  });
}

/** American Express, Diners Club and JCB 3, Visa 4, Mastercard 2 and 5, Discover, Maestro and UnionPay 5 and 6, RuPay 8. */
const ISSUED = /^(?:2[2-7]|[3-6]|8[12])/;

function isCardNumber(digits: string): boolean {
  return ISSUED.test(digits) && luhn(digits) % 10 === 0;
}

/** ISO/IEC 7812-1 Annex B: from the right, every second digit counts twice. */
function luhn(digits: string): number {
  return Array.from(digits)
    .toReversed()
    .reduce((sum, digit, i) => {
      const weighed = Number(digit) * (i % 2 === 0 ? 1 : 2);
      return sum + (weighed > 9 ? weighed - 9 : weighed);
    }, 0);
}

/** A private text of at least this many letters and digits counts as repeated even with other text around it. */
const MIN_REPEATED_LENGTH = 6;

/** Decides whether a public text repeats a private one, whatever the case and the characters between the words. */
export function repeats(text: string, other: string): boolean {
  const [publicText, privateText] = [bare(text), bare(other)];
  if (privateText === "" || publicText === "") return text === other;
  return (
    publicText === privateText ||
    (privateText.length >= MIN_REPEATED_LENGTH && publicText.includes(privateText))
  );
}

/** Keeps letters and digits alone, without case and accents. */
function bare(text: string): string {
  return text
    .normalize("NFKD")
    .replaceAll(/[^\p{L}\p{N}]/gu, "")
    .toLowerCase();
}

/**
 * Every text in the value, at any depth, and every number as text. Names of members are left out: the app chooses them.
 */
function textsIn(value: Json | undefined): string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number") return [String(value)];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
