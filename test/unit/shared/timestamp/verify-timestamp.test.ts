import { beforeAll, describe, expect, it } from "vitest";
import {
  extension,
  importKey,
  issueCertificate,
  makeAuthority,
  nameOf,
  newKey,
  validity,
  type AuthorityFiles,
} from "../../../../cli/local/tsa/certificates.ts";
import { rejectedResponse } from "../../../../cli/local/tsa/token.ts";
import { concat, utf8 } from "../../../../shared/crypto/bytes.ts";
import { pemOf } from "../../../../shared/timestamp/certificate.ts";
import { oid, TAG, tlv, unsignedInteger } from "../../../../shared/timestamp/der.ts";
import { OID } from "../../../../shared/timestamp/oids.ts";
import { MAX_TIMESTAMP_BYTES, verifyTimestamp } from "../../../../shared/timestamp/verify-timestamp.ts";
import { edited } from "../../../support/timestamps/edit.ts";
import { DATA, NONCE, NOW, stampOf, verdictOn } from "../../../support/timestamps/stamps.ts";

const YEAR_MS = 366 * 24 * 3_600_000;
const YES = tlv(TAG.boolean, Uint8Array.of(0xff));

let authority: AuthorityFiles;
let issuers: string;
let response: Uint8Array<ArrayBuffer>;

beforeAll(async () => {
  authority = await makeAuthority(NOW);
  issuers = pemOf(authority.issuer);
  response = await stampOf(authority);
});

describe("verifyTimestamp", () => {
  it("tells time, serial number, authority and policy", async () => {
    expect(await verifyTimestamp({ response, data: DATA, nonce: NONCE, issuers })).toEqual({
      time: NOW,
      serial: expect.stringMatching(/^[0-9a-f]{2,18}$/) as string,
      authority: "CN=VDC local time-stamp authority",
      policy: "2.999.1",
    });
  });

  it("needs no nonce for a stamp of an earlier request", async () => {
    expect(await verdictOn({ response, issuers, nonce: undefined })).toBe("accepted");
  });

  it("takes the pinned certificate of the authority itself", async () => {
    expect(await verdictOn({ response, issuers: pemOf(authority.certificate) })).toBe("accepted");
  });

  it("takes the right one of several pinned certificates", async () => {
    const other = await makeAuthority(NOW);
    expect(await verdictOn({ response, issuers: `# others\n${pemOf(other.issuer)}\n${issuers}` })).toBe(
      "accepted",
    );
  });

  it("refuses other data, another nonce and a stamp that was not granted [T81]", async () => {
    expect(await verdictOn({ response, issuers, data: utf8("other") })).toBe("wrong_imprint");
    expect(await verdictOn({ response, issuers, nonce: NONCE.with(7, 8) })).toBe("wrong_nonce");
    expect(await verdictOn({ response: rejectedResponse(), issuers })).toBe("not_granted");
  });

  it("refuses an authority that is not pinned, whatever its name is [T81]", async () => {
    const namesake = await makeAuthority(NOW);
    expect(await verdictOn({ response: await stampOf(namesake), issuers })).toBe("untrusted");
  });

  it("refuses a time at which the certificates were not valid [T81]", async () => {
    expect(await verdictOn({ response: await stampOf(authority, NOW - YEAR_MS), issuers })).toBe(
      "not_valid_then",
    );
    expect(await verdictOn({ response: await stampOf(authority, NOW + 40 * YEAR_MS), issuers })).toBe(
      "not_valid_then",
    );
  });

  it("refuses trailing bytes and more than 64 kB", async () => {
    expect(await verdictOn({ response: concat(response, Uint8Array.of(0)), issuers })).toBe("trailing_bytes");
    expect(await verdictOn({ response: new Uint8Array(MAX_TIMESTAMP_BYTES + 1), issuers })).toBe("too_large");
  });

  it.for(["", "text", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----"])(
    "demands a pinned certificate, and %j is none",
    async (pem) => {
      await expect(verifyTimestamp({ response, data: DATA, issuers: pem })).rejects.toThrow(TypeError);
    },
  );
});

const forCertificates = extension(OID.keyUsage, true, tlv(TAG.bitString, Uint8Array.of(2, 0b0000_0100)));
const mayIssue = (depth: number) =>
  extension(OID.basicConstraints, true, tlv(TAG.sequence, YES, unsignedInteger(Uint8Array.of(depth))));
const stamps = extension(OID.extendedKeyUsage, true, tlv(TAG.sequence, oid(OID.timeStamping)));

/** Has a root issue an authority's certificate with these extensions, and returns the verdict on its stamp. */
async function verdict(root: readonly Uint8Array<ArrayBuffer>[], own: readonly Uint8Array<ArrayBuffer>[]) {
  const [upper, lower] = [await newKey(), await newKey()];
  const [issuer, subject, period] = [nameOf("root"), nameOf("authority"), validity(NOW)];
  const common = { issuer, period };
  const pinned = await issueCertificate(upper.privateKey, {
    ...common,
    subject: issuer,
    key: upper.spki,
    extensions: root,
  });
  const certificate = await issueCertificate(upper.privateKey, {
    ...common,
    subject,
    key: lower.spki,
    extensions: own,
  });
  const key = new Uint8Array((await crypto.subtle.exportKey("pkcs8", lower.privateKey)) as ArrayBuffer);
  await importKey(key);
  return verdictOn({ response: await stampOf({ certificate, key }), issuers: pemOf(pinned) });
}

describe("the chain of certificates", () => {
  it("takes an issuer that may issue, and a certificate for time stamping", async () => {
    expect(await verdict([mayIssue(0), forCertificates], [stamps])).toBe("accepted");
  });

  it.for<[string, Uint8Array<ArrayBuffer>[]]>([
    ["no extended key usage", []],
    [
      "one that is not critical",
      [extension(OID.extendedKeyUsage, false, tlv(TAG.sequence, oid(OID.timeStamping)))],
    ],
    [
      "another purpose beside",
      [
        extension(
          OID.extendedKeyUsage,
          true,
          tlv(TAG.sequence, oid(OID.timeStamping), oid("1.3.6.1.5.5.7.3.1")),
        ),
      ],
    ],
    ["a key that may only issue certificates", [stamps, forCertificates]],
  ])("refuses an authority's certificate with %s [T81]", async ([, extensions]) => {
    expect(await verdict([mayIssue(0)], extensions)).toBe("not_for_time_stamping");
  });

  it.for<[string, Uint8Array<ArrayBuffer>[]]>([
    ["is no authority", []],
    [
      "may not issue certificates",
      [mayIssue(0), extension(OID.keyUsage, true, tlv(TAG.bitString, Uint8Array.of(7, 0x80)))],
    ],
    ["has a limit that is unknown here", [mayIssue(0), extension("2.5.29.30", true, tlv(TAG.sequence))]],
  ])("refuses a pinned issuer that %s", async ([, extensions]) => {
    expect(await verdict(extensions, [stamps])).toBe("untrusted");
  });
});

/** Makes a root, a certificate below it that may issue too, and a stamp by an authority below that. */
async function threeLevels(depth: number) {
  const [upper, middle, lower] = [await newKey(), await newKey(), await newKey()];
  const [rootName, middleName] = [nameOf("root"), nameOf("between")];
  const period = validity(NOW);
  const root = await issueCertificate(upper.privateKey, {
    issuer: rootName,
    subject: rootName,
    period,
    key: upper.spki,
    extensions: [mayIssue(depth)],
  });
  const between = await issueCertificate(upper.privateKey, {
    issuer: rootName,
    subject: middleName,
    period,
    key: middle.spki,
    extensions: [mayIssue(0)],
  });
  const certificate = await issueCertificate(middle.privateKey, {
    issuer: middleName,
    subject: nameOf("authority"),
    period,
    key: lower.spki,
    extensions: [stamps],
  });
  const key = new Uint8Array((await crypto.subtle.exportKey("pkcs8", lower.privateKey)) as ArrayBuffer);
  const bare = await stampOf({ certificate, key });
  const withBetween = edited(bare, [1, 1, 0, 3], ({ tag, content }) => tlv(tag, content, between));
  return { bare, withBetween, root: pemOf(root), between: pemOf(between) };
}

describe("a certificate between the authority's and the pinned one", () => {
  it("is taken from the stamp, or may be pinned itself", async () => {
    const { bare, withBetween, root, between } = await threeLevels(1);
    expect(await verdictOn({ response: withBetween, issuers: root })).toBe("accepted");
    expect(await verdictOn({ response: bare, issuers: between })).toBe("accepted");
    expect(await verdictOn({ response: bare, issuers: root })).toBe("untrusted");
  });

  it("is refused where the pinned issuer allows none, or did not issue it [T81]", async () => {
    const { withBetween, root } = await threeLevels(0);
    expect(await verdictOn({ response: withBetween, issuers: root })).toBe("untrusted");
    const namesake = await threeLevels(1);
    expect(await verdictOn({ response: withBetween, issuers: namesake.root })).toBe("untrusted");
  });

  it("may have a second certificate for its key, of which one was valid [T81]", async () => {
    const [upper, lower] = [await newKey(), await newKey()];
    const issuer = nameOf("issuer");
    const contents = { issuer, subject: issuer, key: upper.spki, extensions: [mayIssue(0)] };
    const early = await issueCertificate(upper.privateKey, { ...contents, period: validity(NOW) });
    const late = await issueCertificate(upper.privateKey, { ...contents, period: validity(NOW + YEAR_MS) });
    const certificate = await issueCertificate(upper.privateKey, {
      issuer,
      subject: nameOf("authority"),
      period: validity(NOW),
      key: lower.spki,
      extensions: [stamps],
    });
    const key = new Uint8Array((await crypto.subtle.exportKey("pkcs8", lower.privateKey)) as ArrayBuffer);
    const response = await stampOf({ certificate, key });
    expect(await verdictOn({ response, issuers: pemOf(late) + pemOf(early) })).toBe("accepted");
    expect(await verdictOn({ response, issuers: pemOf(late) })).toBe("not_valid_then");
  });
});
