import * as v from "valibot";
import { beforeAll, describe, expect, it } from "vitest";
import { openMetadata, sealMetadata } from "../../../../shared/client/user-metadata.ts";
import type { UserKeys } from "../../../../shared/client/user-keys.ts";
import { SEALED_NAMES } from "../../../../shared/chain/sealed-names.ts";
import { canonicalBytes } from "../../../../shared/crypto/canonical.ts";
import { TRANSACTION, USER_METADATA } from "../../../../shared/crypto/contexts.ts";
import {
  signedMetadataBytes,
  UserMetadataRecord,
  verifyUserMetadata,
} from "../../../../shared/chain/user-metadata.ts";
import { CHAIN_ID, newUser } from "../../../support/users/accounts.ts";

/** These words can't appear by chance in an envelope's base64url text: they are long, or contain a space. */
const ABOUT = { fullName: "Augusta Ada King", birthday: "1815-12-10" };

let user: UserKeys;
let other: UserKeys;
let record: UserMetadataRecord;
beforeAll(async () => {
  user = await newUser();
  other = await newUser();
  record = await sealMetadata(CHAIN_ID, user, 3, ABOUT);
});

describe("a user's metadata", () => {
  it("is opened by the user, and holds nothing in clear", async () => {
    expect(v.is(UserMetadataRecord, record)).toBe(true);
    expect(await verifyUserMetadata(CHAIN_ID, record)).toBe(true);
    expect(await openMetadata(CHAIN_ID, user, record)).toEqual(ABOUT);
    expect(JSON.stringify(record)).not.toMatch(/Augusta Ada|1815-12-10|birthday/);
  });

  it("is nobody else's, of no other version and of no other chain", async () => {
    const again = await sealMetadata(CHAIN_ID, user, 3, ABOUT);
    const changed: UserMetadataRecord[] = [
      { ...record, version: 4 },
      { ...record, userId: other.userId },
      { ...record, envelope: again.envelope },
      { ...record, signature: again.signature },
      { ...record, signature: { ...record.signature, keyId: other.userId } },
      { ...record, signature: await other.sign(signedMetadataBytes(CHAIN_ID, record), USER_METADATA) },
      { ...record, signature: await user.sign(signedMetadataBytes(CHAIN_ID, record), TRANSACTION) },
    ];
    for (const [i, each] of changed.entries()) {
      expect(await verifyUserMetadata(CHAIN_ID, each), String(i)).toBe(false);
      await expect(openMetadata(CHAIN_ID, user, each), String(i)).rejects.toMatchObject({
        reason: "invalid_signature",
      });
    }
    expect(await verifyUserMetadata("vdc-other", record)).toBe(false);
    await expect(openMetadata(CHAIN_ID, other, record)).rejects.toMatchObject({
      reason: "invalid_signature",
    });
  });

  it("is not what somebody else has sealed to the user's key", async () => {
    const envelope = await user.seal(SEALED_NAMES.userMetadata(user.userId), canonicalBytes({ name: "Eve" }));
    const foisted = { ...record, envelope };
    await expect(openMetadata(CHAIN_ID, user, foisted)).rejects.toMatchObject({
      reason: "invalid_signature",
    });
  });

  it("is refused as something else in the user's envelope, or as too much", async () => {
    const document = await user.seal(SEALED_NAMES.document(user.userId), canonicalBytes(ABOUT));
    expect(v.is(UserMetadataRecord, { ...record, envelope: document })).toBe(false);
    const full = { ...record.envelope, ct: "A".repeat(32_768) };
    expect(v.is(UserMetadataRecord, { ...record, envelope: full })).toBe(true);
    expect(v.is(UserMetadataRecord, { ...record, envelope: { ...full, ct: `${full.ct}A` } })).toBe(false);
    for (const version of [0, -1, 1.5, 2 ** 53, "3"])
      expect(v.is(UserMetadataRecord, { ...record, version }), String(version)).toBe(false);
    expect(v.is(UserMetadataRecord, { ...record, name: "Ada" })).toBe(false);
  });
});
