import { toJsonSchema } from "@valibot/to-json-schema";
import * as fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { sources, type Source } from "../../contract/sources.ts";
import { fitting } from "../../support/assertions/arbitrary.ts";
import { nearly } from "../../support/assertions/nearly.ts";
import type { Schema } from "../../support/assertions/openapi.ts";
import { runs } from "../../support/assertions/fast-check.ts";

type AnySchema = v.GenericSchema;

/** The beginning of a declaration that may be a schema. An import then shows whether it is. */
const EXPORTED = /^export const \w+ = (?:v\.|\w+\()/m;

async function schemasOf({ path }: Source): Promise<{ name: string; schema: AnySchema }[]> {
  const exported = (await import(/* @vite-ignore */ `../../../${path}`)) as Record<string, unknown>;
  return Object.entries(exported).flatMap(([name, value]) =>
    isSchema(value) ? [{ name: `${name} of ${path}`, schema: value }] : [],
  );
}

function isSchema(value: unknown): value is AnySchema {
  return typeof value === "object" && value !== null && Reflect.get(value, "kind") === "schema";
}

const files = sources("{shared,workers,cli}/**/*.ts").filter(({ text }) => EXPORTED.test(text));
const SCHEMAS = (await Promise.all(files.map(schemasOf))).flat();

/** Values that fit as far as JSON Schema can say, and near misses. */
function given(schema: AnySchema): fc.Arbitrary<unknown> {
  const values = fitting(toJsonSchema(schema, { errorMode: "ignore", typeMode: "input" }) as Schema);
  return fc.oneof(values, nearly(values));
}

const OPEN = "an older reader passes over what a newer writer adds";
const STRIPE =
  "Stripe adds members without notice, expands references, and writes longer texts than are kept";
const NAMES = "a record has no member called __proto__, prototype or constructor: nothing of ours has";
const TRIMMED = "a reason is kept without the space round it";
const FILLED_IN = "what is left out has a value of its own";
const EMPTY_LIST = "valibot reads an empty list as a record without members";
const FROM_TEXT = "a number that is written as text";

/** Schemas whose result differs from their input, with the reason. */
const CHANGES: Readonly<Record<string, string>> = {
  "Asset of shared/api/assets.ts": OPEN,
  "NpmAuditReport of cli/tools/advisories.ts": OPEN,
  "AuditResult of shared/chain/audit-chain.ts": NAMES,
  "BlockMetadata of shared/storage/kv-tier.ts": OPEN,
  "Charge of shared/stripe/event.ts": STRIPE,
  "BlockReport of shared/api/storage-report.ts": EMPTY_LIST,
  "CheckoutSession of shared/stripe/event.ts": STRIPE,
  "DismissManyRequest of shared/api/dismissals.ts": FILLED_IN,
  "DismissRequest of shared/api/dead-letters.ts": TRIMMED,
  "StripeEvent of shared/stripe/event.ts": STRIPE,
  "EnvelopeHeader of shared/storage/policies.ts": OPEN,
  "Invoice of shared/stripe/event.ts": STRIPE,
  "NumberOfBlock of shared/api/parameters.ts": FROM_TEXT,
  "OpenApi of shared/api/contents.ts": OPEN,
  "ParkedMessage of workers/dead-letters/entries/record.ts": OPEN,
  "PaymentIntent of shared/stripe/event.ts": STRIPE,
  "Pin of cli/local/pinning/pin.ts": EMPTY_LIST,
  "PipelineStatus of shared/api/status.ts": NAMES,
  "PolicyFile of shared/verify/policy.ts": NAMES,
  "PreviousCharge of shared/stripe/event.ts": STRIPE,
  "PrivacyRequest of shared/api/privacy.ts": TRIMMED,
  "PrivateArchive of shared/storage/private-archive.ts": OPEN,
  "Reason of shared/api/reason.ts": TRIMMED,
  "Refund of shared/stripe/event.ts": STRIPE,
  "ReplayRequest of shared/api/replays.ts": FILLED_IN,
  "RestoreRequest of shared/api/storage-verify.ts": TRIMMED,
  "ResumeRequest of shared/api/resume.ts": TRIMMED,
  "StoredRecord of shared/storage/records.ts": NAMES,
  "Thin of shared/stripe/event.ts": STRIPE,
  "Transaction of shared/chain/transaction.ts": EMPTY_LIST,
  "TokenRequest of shared/api/activation.ts": FILLED_IN,
  "WholeNumber of shared/api/parameters.ts": FROM_TEXT,
  "WholeText of shared/schema/integer-text.ts": FROM_TEXT,
};

describe("every schema", () => {
  it("is found", () => {
    expect(SCHEMAS.length).toBeGreaterThan(100);
    const names = SCHEMAS.map(({ name }) => name);
    for (const name of Object.keys(CHANGES)) expect(names).toContain(name);
  });

  it.for(SCHEMAS)(
    "$name takes or refuses anything, never fails, and reads what it was given",
    ({ name, schema }) => {
      fc.assert(
        fc.property(given(schema), (value) => {
          const text = JSON.stringify(value);
          const before: unknown = JSON.parse(text);
          const read = v.safeParse(schema, before);
          expect(JSON.stringify(before), "it was changed").toBe(text);
          if (!read.success || name in CHANGES) return;
          expect(v.safeParse(schema, read.output)).toMatchObject({ success: true, output: read.output });
          expect(read.output).toEqual(before);
        }),
        { numRuns: runs(50) },
      );
    },
  );
});
