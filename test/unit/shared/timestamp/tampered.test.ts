import { beforeAll, describe, expect, it } from "vitest";
import {
  type Der,
  oid,
  readDer,
  sequenceOf,
  TAG,
  tlv,
  unsignedInteger,
} from "../../../../shared/timestamp/der.ts";
import type { TimestampFault } from "../../../../shared/timestamp/invalid-timestamp.ts";
import { OID } from "../../../../shared/timestamp/oids.ts";
import { edited, flipped, removed } from "../../../support/timestamps/edit.ts";
import { newStamp, type Stamped, verdictOn } from "../../../support/timestamps/stamps.ts";

type Change = (value: Der) => Uint8Array<ArrayBuffer>;
type Case = readonly [field: string, path: readonly number[], change: Change, reason: TimestampFault];

const SIGNED_DATA = [1, 1, 0];
const CERTIFICATE = [...SIGNED_DATA, 3, 0];
const SIGNER = [...SIGNED_DATA, 4, 0];

const sha1: Change = () => tlv(TAG.sequence, oid(OID.sha1));
const two: Change = () => unsignedInteger(Uint8Array.of(2));

const FIELDS: readonly Case[] = [
  ["status", [0, 0], two, "not_granted"],
  ["token", [1], removed, "malformed"],
  ["token type", [1, 0], flipped, "malformed"],
  ["version", [...SIGNED_DATA, 0], two, "malformed"],
  ["hashes", [...SIGNED_DATA, 1, 0], sha1, "malformed"],
  ["contents' type", [...SIGNED_DATA, 2, 0], flipped, "malformed"],
  ["contents", [...SIGNED_DATA, 2, 1], removed, "malformed"],
  ["certificate", CERTIFICATE, removed, "unsigned"],
  ["certificate's serial number", [...CERTIFICATE, 0, 1], flipped, "unsigned"],
  [
    "certificate's end",
    [...CERTIFICATE, 0, 4, 1],
    (end) => tlv(end.tag, end.content.with(1, 0x34)),
    "certificate_mismatch",
  ],
  ["certificate's subject", [...CERTIFICATE, 0, 5, 0, 0, 1], flipped, "certificate_mismatch"],
  ["certificate's key", [...CERTIFICATE, 0, 6, 1], flipped, "certificate_mismatch"],
  ["certificate's extensions", [...CERTIFICATE, 0, 7, 0, 1], removed, "certificate_mismatch"],
  ["certificate's signature", [...CERTIFICATE, 2], flipped, "certificate_mismatch"],
  ["signers", SIGNER, removed, "unsigned"],
  ["signer's version", [...SIGNER, 0], two, "malformed"],
  ["signer's issuer", [...SIGNER, 1, 0, 0, 0, 1], flipped, "unsigned"],
  ["signer's serial number", [...SIGNER, 1, 1], flipped, "unsigned"],
  ["signer's hash", [...SIGNER, 2], sha1, "unsupported_algorithm"],
  ["signed attributes", [...SIGNER, 3], removed, "malformed"],
  ["signature's algorithm", [...SIGNER, 4, 0], () => oid(OID.ecdsaSha384), "unsupported_algorithm"],
  ["signature's scheme", [...SIGNER, 4, 0], () => oid("1.3.101.112"), "unsupported_algorithm"],
  ["signature", [...SIGNER, 5], flipped, "wrong_signature"],
];

/** Changes inside the signed statement, the TSTInfo. */
const STATEMENT: readonly Case[] = [
  ["version", [0], two, "malformed"],
  ["policy", [1], flipped, "wrong_signature"],
  ["imprint's hash", [2, 0], sha1, "wrong_hash_algorithm"],
  ["imprint", [2, 1], flipped, "wrong_imprint"],
  ["serial number", [3], flipped, "wrong_signature"],
  ["time", [4], (time) => tlv(time.tag, time.content.with(3, 0x37)), "wrong_signature"],
  ["nonce", [5], flipped, "wrong_nonce"],
];

const ATTRIBUTES: readonly (readonly [name: string, oid: string, change: Change, reason: TimestampFault])[] =
  [
    ["content type", OID.contentType, () => oid(OID.signedData), "wrong_signature"],
    ["message digest", OID.messageDigest, flipped, "wrong_signature"],
    [
      "certificate id",
      OID.signingCertificateV2,
      (id) => edited(id.bytes, [0, 0, 0], flipped),
      "certificate_mismatch",
    ],
  ];

const longer: Change = ({ tag, content }) => tlv(tag, content, Uint8Array.of(5, 0));
const twice: Change = ({ bytes }) => Uint8Array.of(...bytes, ...bytes);

function verdict({ issuers, response }: Stamped, path: readonly number[], change: Change) {
  return verdictOn({ issuers, response: edited(response, path, change) });
}

describe("a time stamp with one field changed", () => {
  let stamp: Stamped;
  beforeAll(async () => {
    stamp = await newStamp();
  });

  it("is accepted without a change", async () => {
    expect(await verdict(stamp, [], ({ bytes }) => bytes)).toBe("accepted");
  });

  it.for(FIELDS)("is refused: %s", async ([, path, change, reason]) => {
    expect(await verdict(stamp, path, change)).toBe(reason);
  });

  it.for(STATEMENT)("is refused: %s of the statement", async ([, path, change, reason]) => {
    const inStatement: Change = ({ tag, content }) => tlv(tag, edited(content, path, change));
    expect(await verdict(stamp, [...SIGNED_DATA, 2, 1, 0], inStatement)).toBe(reason);
  });

  it.for(ATTRIBUTES)("is refused: the signed attribute %s", async ([, name, change, reason]) => {
    const set = readDer(stamp.response).children[1]?.children[1]?.children[0]?.children[4]?.children[0]
      ?.children[3];
    const at = set?.children.findIndex((one) => hasName(one, name)) ?? -1;
    expect(await verdict(stamp, [...SIGNER, 3, at, 1, 0], change)).toBe(reason);
    expect(await verdict(stamp, [...SIGNER, 3, at], removed)).toBe(
      name === OID.signingCertificateV2 ? "certificate_mismatch" : "unsigned",
    );
  });

  it("is refused with bytes behind the statement", async () => {
    expect(await verdict(stamp, [...SIGNED_DATA, 2, 1, 0], longer)).toBe("trailing_bytes");
  });

  it("is refused with a second signature", async () => {
    expect(await verdict(stamp, SIGNER, twice)).toBe("malformed");
  });

  // No signature covers the status: 0 is "granted", 1 is "granted, with changes".
  it("is refused whichever byte of it is another, but for the status 1 [T81]", async () => {
    expect(stamp.response.slice(4, 9)).toEqual(Uint8Array.of(TAG.sequence, 3, TAG.integer, 1, 0));
    for (const [at, byte] of stamp.response.entries()) {
      if (at === 8) continue;
      const response = stamp.response.with(at, byte ^ (1 << (at % 8)));
      expect(await verdictOn({ response, issuers: stamp.issuers }), `byte ${at}`).not.toBe("accepted");
    }
  });
});

function hasName(attribute: Der, name: string): boolean {
  const [id] = sequenceOf(attribute, "an attribute");
  return id !== undefined && Buffer.compare(id.bytes, oid(name)) === 0;
}
