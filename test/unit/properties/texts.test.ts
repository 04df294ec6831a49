import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError } from "commander";
import * as fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createKeys, readKeys } from "../../../cli/account/keys-file.ts";
import { InexactJson } from "../../../cli/files/exact-json.ts";
import { jsonObjectOf } from "../../../cli/files/read.ts";
import { settingIn } from "../../../cli/files/setting.ts";
import { NoText, textOf } from "../../../cli/files/text.ts";
import { canonicalText, type Json } from "../../../shared/crypto/canonical.ts";
import { blockNumberOf, fileNameOf } from "../../../cli/car/file-name.ts";
import { addHead } from "../../../cli/commands/audit/verify.ts";
import { ofSchema, reason, wholeNumber } from "../../../cli/commands/options.ts";
import { seconds } from "../../../cli/dead-letters/filter.ts";
import { CommandFailure } from "../../../cli/output/failure.ts";
import { systemKeyring } from "../../../cli/files/keyring.ts";
import { readSecrets, secretsFile } from "../../../cli/local/stack/data-directory.ts";
import { operatorHeaders } from "../../../cli/http/operator.ts";
import { asShown } from "../../../cli/privacy/open.ts";
import { facts } from "../../../cli/output/table.ts";
import { asBaseUrl } from "../../../cli/http/target.ts";
import { TxId } from "../../../shared/chain/transaction.ts";
import { personalMember, traitOf } from "../../../shared/chain/public-text.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import {
  generateKeyring,
  KeyringError,
  loadKeyring,
  parseEncryptionPublicKey,
} from "../../../shared/crypto/keyring.ts";
import { nameInHeader, nameOfHeader, operatorNameOf } from "../../../shared/http/operator-name.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { errorText, logger } from "../../../shared/runtime/log.ts";
import { StripeRefusal } from "../../../shared/stripe/refusal.ts";
import { parseSignature } from "../../../shared/stripe/signature.ts";
import {
  paidTypes,
  submissionWindow,
  writesLandWithin,
  type Env as AccountsEnv,
} from "../../../workers/accounts/env.ts";
import { limitsOf, webhookOf, type Env as AlertsEnv } from "../../../workers/alerts/env.ts";
import { chainRules, type Env as ChainHeadEnv } from "../../../workers/chain-head/env.ts";
import { settingsOf } from "../../../workers/ingest-webhook/env.ts";
import { requeueAt } from "../../../workers/storage-verifier/runs/runs.ts";
import { spoiled } from "../../support/assertions/mutations.ts";
import { PURCHASE, transactionOf, withObject } from "../shared/stripe/events.ts";
import { scratch } from "../cli/chains.ts";
import { runs } from "../../support/assertions/fast-check.ts";
import { cpuMilliseconds } from "../../support/stack/cpu-time.ts";
import { CHARACTER } from "../../support/assertions/character.ts";

afterEach(() => vi.restoreAllMocks());

/** Texts from people, settings and files, and worse ones. */
const text = fc.oneof(
  fc.string({ unit: CHARACTER, maxLength: 50 }),
  fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdef.,:-+_/ \n\t"=smhdTZ')), maxLength: 50 }),
  fc.constantFrom(
    "",
    "0",
    "-0",
    "1e3",
    "Infinity",
    "NaN",
    "0x10",
    "1_000",
    " 1 ",
    "١٢",
    "9".repeat(20),
    "9".repeat(400),
  ),
  fc.nat().map(String),
  fc.float().map(String),
);

/** Works like `orRefused`, for work without a promise. */
function readOr<T>(refusal: new (...given: never[]) => Error, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof refusal)) throw error;
    return undefined;
  }
}

/**
 * Returns the result, or `undefined` if the work refuses with an error of this class. Any other error fails the test.
 */
async function orRefused<T>(
  refusal: new (...given: never[]) => Error,
  work: () => T,
): Promise<Awaited<T> | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof refusal) return undefined;
    throw error;
  }
}

describe("an argument of the command line", () => {
  it("is a number in one spelling only, within its bounds", async () => {
    const read = wholeNumber(1, 1_000);
    await fc.assert(
      fc.asyncProperty(text, async (given) => {
        const number = await orRefused(InvalidArgumentError, () => read(given));
        if (number !== undefined)
          expect([String(number), number >= 1 && number <= 1_000]).toEqual([given, true]);
      }),
      { numRuns: runs(100) },
    );
  });

  it.each<[string, (text: string) => unknown]>([
    ["an age", seconds],
    ["a reason", reason],
    ["an id", ofSchema(TxId)],
    ["a head of the audit log", (given) => addHead(given, [])],
  ])("that is %s is taken or refused as commander expects", async (_, read) => {
    await fc.assert(
      fc.asyncProperty(
        text,
        async (given) => void (await orRefused(InvalidArgumentError, () => read(given))),
      ),
    );
  });

  it("is an address without anything behind it, or none", () => {
    const address = fc.oneof(
      text,
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.webAuthority().map((host) => `https://${host}`),
    );
    fc.assert(
      fc.property(address, (given) => {
        const url = asBaseUrl(given);
        if (url !== undefined) expect(asBaseUrl(url)).toBe(url);
        if (url !== undefined) expect(new URL(url).href).toBe(`${url}/`);
      }),
      { numRuns: runs(100) },
    );
  });

  it("names a block's file by its number, and no other file", () => {
    fc.assert(
      fc.property(fc.nat(), text, (number, given) => {
        expect(blockNumberOf(fileNameOf(number))).toBe(number);
        const told = blockNumberOf(given);
        if (told !== undefined) expect(fileNameOf(told)).toBe(given);
      }),
    );
  });
});

describe("a file of secrets", () => {
  it("is refused when it is not as it was written, and nothing of it is repeated", async () => {
    const json = await generateKeyring();
    const secrets = [...json.matchAll(/"seed":"([^"]+)"/g)].map(([, seed]) => seed ?? "");
    await expect(loadKeyring(json)).resolves.toBeDefined();
    await fc.assert(
      fc.asyncProperty(spoiled(utf8(json), JSON.stringify), async (bytes) => {
        const spoilt = new TextDecoder().decode(bytes);
        try {
          const { signing } = await loadKeyring(spoilt);
          expect(json).toContain(signing.active.keyId); // another spelling of the same keyring
        } catch (error) {
          expect(error).toBeInstanceOf(KeyringError);
          const said = String((error as Error).stack) + String((error as Error).cause);
          for (const secret of secrets) expect(said).not.toContain(secret.slice(3, 20));
        }
      }),
      { numRuns: runs(100) },
    );
  });

  it("is read as it was written when it holds a user's keys, or refused without a word of it", async () => {
    const file = join(scratch(), "user.keys.json");
    const { userId } = await createKeys(file);
    expect((await readKeys(file)).userId).toBe(userId);
    await fc.assert(
      fc.asyncProperty(fc.oneof(text.map((given) => utf8(given.toWellFormed()))), async (bytes) => {
        writeFileSync(file, bytes);
        expect(await orRefused(CommandFailure, () => readKeys(file))).toBeUndefined();
        expect(
          await orRefused(CommandFailure, () => systemKeyring(file, { isLocal: false }, {})),
        ).toBeUndefined();
      }),
    );
  });

  it("names what the local stack misses, or says that it is no text", async () => {
    const directory = scratch();
    await fc.assert(
      fc.asyncProperty(text, async (given) => {
        writeFileSync(secretsFile(directory), given);
        expect(() => readSecrets(directory)).toThrow(/does not set|is not text|read as text/);
      }),
    );
  });

  it("gives a header that can be sent, or none", async () => {
    const target = { url: "https://vdc.example", isLocal: false };
    await fc.assert(
      fc.asyncProperty(text, text, async (secret, name) => {
        const environment = { VDC_ADMIN_SECRET: secret, VDC_OPERATOR: name };
        const headers = await orRefused(CommandFailure, () => operatorHeaders(target, environment));
        if (headers !== undefined) expect(new Headers(headers).get("x-admin-secret")).toBe(secret.trim());
      }),
      { numRuns: runs(100) },
    );
  });

  it("holds a public key, or is refused", async () => {
    await fc.assert(
      fc.asyncProperty(text, async (given) => {
        expect(await orRefused(KeyringError, () => parseEncryptionPublicKey(given))).toBeUndefined();
      }),
    );
  });
});

describe("a setting", () => {
  it("is a number within the chain head's bounds, or the chain head does not begin", () => {
    const settings = {
      MINING_MODE: "auto",
      MINE_AT_COUNT: "1",
      MINE_AFTER_SECONDS: "1",
      BLOCK_MAX_TRANSACTIONS: "1",
      BLOCK_MAX_BYTES: "140000",
      MAX_BLOCKS_IN_FLIGHT: "1",
      STALL_AFTER_SECONDS: "1",
      WRITE_LANDS_WITHIN_SECONDS: "1",
      INTENT_TTL_DAYS: "1",
    };
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(settings)), text, (name, given) => {
        try {
          const { miningMode: _, ...numbers } = chainRules({
            ...settings,
            [name]: given,
          } as unknown as ChainHeadEnv);
          for (const number of Object.values(numbers))
            expect(Number.isSafeInteger(number) && number > 0).toBe(true);
        } catch (error) {
          expect((error as Error).message).toContain("bad settings");
        }
      }),
      { numRuns: runs(100) },
    );
  });

  it("is sound in any other Worker, or has a value of its own, or is named as what is wrong", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    await fc.assert(
      fc.asyncProperty(text, async (given) => {
        const log = logger("test");
        const window = await orRefused(Problem, () =>
          submissionWindow({ SUBMISSION_WINDOW_SECONDS: given } as AccountsEnv),
        );
        if (window !== undefined) expect(window > 0 && window < Infinity).toBe(true);
        const landing = await orRefused(Problem, () =>
          writesLandWithin({ WRITE_LANDS_WITHIN_SECONDS: given } as AccountsEnv),
        );
        if (landing !== undefined) expect(landing >= 1_000 && landing <= 3_600_000).toBe(true);
        await orRefused(Problem, () => paidTypes({ PAID_TYPES: given, REGISTRATION: "open" } as AccountsEnv));
        await orRefused(Problem, () => settingsOf({ STRIPE_WEBHOOK_SECRET: given } as never));
        const limits = limitsOf({ PENDING_ALERT_SECONDS: given } as AlertsEnv, log);
        for (const limit of Object.values(limits)) expect(limit).toBeGreaterThan(0);
        expect(webhookOf({ ALERT_WEBHOOK_URL: given } as AlertsEnv, log)?.protocol ?? "https:").toMatch(
          /^https?:$/,
        );
        const again = requeueAt({ moved_at: 1_000, nudges: 0 } as never, Number(given));
        expect(again > 1_000 && again <= 86_401_000).toBe(true);
      }),
      { numRuns: runs(100) },
    );
  });
});

describe("what others wrote", () => {
  it("does not command the terminal", () => {
    fc.assert(
      fc.property(fc.string({ unit: CHARACTER }), (given) => {
        const shown = [asShown({ given }), facts([["name", given.replaceAll(/\[/g, "")]])];
        for (const one of shown)
          expect(one.replaceAll("\u001B[2m", "").replaceAll("\u001B[22m", "")).not.toMatch(
            /[^\P{Cc}\n]|[\u202A-\u202E\u2066-\u2069]/u,
          );
      }),
    );
  });

  it("is one line of JSON in the log, whatever it is", () => {
    const lines: string[] = [];
    for (const level of ["log", "warn", "error"] as const)
      vi.spyOn(console, level).mockImplementation((line: string) => void lines.push(line));
    const fields = fc.dictionary(fc.string(), fc.oneof(text, fc.double(), fc.boolean(), fc.constant(null)));
    fc.assert(
      fc.property(text, fields, fc.anything(), (event, given, error) => {
        logger("test", { requestId: "1" })
          .with(given)
          .error(event, { error: errorText(error) });
        const line = lines.at(-1) ?? "";
        expect(line).not.toContain("\n");
        expect(line.isWellFormed()).toBe(true);
        expect((JSON.parse(line) as { error: string }).error.length).toBeLessThanOrEqual(500);
      }),
      { numRuns: runs(100) },
    );
  });

  it("is one JSON object that is signed as it is written, or is refused", () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.json({ stringUnit: "binary" })), (given) => {
        const read = readOr(InexactJson, () => jsonObjectOf(given));
        if (read !== undefined) expect(canonicalText(read)).toBe(canonicalText(JSON.parse(given) as Json));
      }),
    );
  });

  it("is read whatever JSON it is, as long as it is exact", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "grapheme" }), (value) => {
        const given = JSON.stringify({ value }, null, 2);
        expect(jsonObjectOf(given)).toEqual(JSON.parse(given));
      }),
    );
  });

  it("is text in UTF-8 or UTF-16, or is refused", () => {
    fc.assert(
      fc.property(fc.uint8Array(), text, (bytes, saved) => {
        expect(typeof (readOr(NoText, () => textOf(bytes)) ?? "")).toBe("string");
        const wellFormed = saved.toWellFormed();
        expect(textOf(Buffer.from(`\uFEFF${wellFormed}`, "utf16le"))).toBe(wellFormed);
      }),
    );
  });

  it("is an operator's name, which a header carries as it is", () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: "binary", maxLength: 300 })), (given) => {
        const name = operatorNameOf(given);
        expect(nameInHeader(name)).toMatch(/^[\x20-\x7e]*$/);
        expect(nameOfHeader(nameInHeader(name))).toBe(name);
        for (const read of [name, nameOfHeader(given)]) {
          expect(read.isWellFormed()).toBe(true);
          expect(read.length).toBeLessThanOrEqual(100);
        }
      }),
    );
  });

  it("is a file of settings, or a value alone", () => {
    fc.assert(
      fc.property(text, (given) => {
        expect(typeof settingIn(given, "ADMIN_SECRET")).toBe("string");
      }),
    );
  });

  it("is looked through for what is personal in time, however long and odd it is", async () => {
    const part = { many: Array.from({ length: 100_000 }, (_, i) => i % 10) };
    const data = { assetId: "deed-".padEnd(128, "1a"), documentType: "deed" };
    const spent = await cpuMilliseconds(() => {
      for (const unit of ["4", "4-", "a4", "sub_", "._:-", "0123456789abcdef-", " "])
        traitOf(unit.repeat(128).slice(0, 128));
      personalMember({ data, private: { salt: "", part } });
    });
    expect(spent).toBeLessThan(3_000);
  });
});

describe("Stripe's", () => {
  it("signature header tells one time, or is refused", async () => {
    const header = fc.oneof(
      text,
      fc
        .array(fc.constantFrom("t=1", "t=", "v1=", `v1=${"0".repeat(64)}`, "v0=1", "", "t=1=2"))
        .map((items) => items.join(",")),
    );
    await fc.assert(
      fc.asyncProperty(fc.option(header), async (given) => {
        const read = await orRefused(StripeRefusal, () => parseSignature(given));
        if (read !== undefined) expect(Number.isSafeInteger(read.time) && read.time >= 0).toBe(true);
      }),
      { numRuns: runs(100) },
    );
  });

  it("metadata is kept whole, whatever an app calls its entries", () => {
    const names = fc.oneof(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
      fc.constantFrom("constructor", "prototype", "__proto__", "toString"),
    );
    const metadata = fc.dictionary(names, fc.string({ unit: "grapheme", maxLength: 60 }), { maxKeys: 20 });
    fc.assert(
      fc.property(metadata, (given) => {
        const { payload } = transactionOf(withObject(PURCHASE, { metadata: given }));
        const part = payload.private?.part ?? {};
        expect(new Map(Object.entries(part.metadata ?? {}))).toEqual(new Map(Object.entries(given)));
        expect(part).not.toHaveProperty("metadataOmitted");
      }),
    );
  });
});
