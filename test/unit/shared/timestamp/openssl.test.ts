import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { timestampRequest } from "../../../../shared/timestamp/request.ts";
import { verifyTimestamp } from "../../../../shared/timestamp/verify-timestamp.ts";
import { DATA, newStamp, NONCE, verdictOn } from "../../../support/timestamps/stamps.ts";

const isThere = spawnSync("openssl", ["version"]).status === 0;
if (!isThere) console.log("there is no openssl, so its time stamps are not compared with ours");

/** Keys, with the options of `openssl req`, by the name of the signature. */
const KEYS = [
  ["RSA", ["-newkey", "rsa:2048"]],
  ["RSA-PSS", ["-newkey", "rsa:2048", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]],
  ["ECDSA P-256", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]],
  ["ECDSA P-384", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]],
] as const;

const CONFIG = `
[tsa]
default_tsa = own
[own]
serial = serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha1
accuracy = secs:1, millisecs:500
ordering = yes
tsa_name = yes
ess_cert_id_chain = yes
ess_cert_id_alg = sha256
[req]
distinguished_name = name
[name]
[issuer]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[stamps]
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`;

function withoutNonce(text: string): string {
  return text.replace(/^Nonce: .*$/m, "");
}

describe.skipIf(!isThere)("openssl", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "vdc-openssl-"));
    writeFileSync(join(directory, "tsa.cnf"), CONFIG);
    writeFileSync(join(directory, "data"), DATA);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** @param options words of the command line, without spaces in them, and what stands behind */
  function openssl(options: string, ...more: readonly string[]): string {
    const args = [...options.split(" "), ...more];
    const { status, stdout, stderr } = spawnSync("openssl", args, { cwd: directory, encoding: "utf8" });
    expect(status, stderr).toBe(0);
    return stdout;
  }

  it("verifies a stamp of the local authority against its issuers.pem", async () => {
    const { response, issuers } = await newStamp();
    writeFileSync(join(directory, "local.tsr"), response);
    writeFileSync(join(directory, "issuers.pem"), issuers);
    const verify = "ts -verify -in local.tsr -CAfile issuers.pem -data";
    expect(openssl(`${verify} data`)).toContain("Verification: OK");
    writeFileSync(join(directory, "other"), "other data");
    const { status } = spawnSync("openssl", `${verify} other`.split(" "), { cwd: directory });
    expect(status).not.toBe(0);
  });

  it("reads our request as it writes its own", () => {
    writeFileSync(join(directory, "ours.tsq"), timestampRequest(DATA, NONCE));
    const ours = openssl("ts -query -in ours.tsq -text");
    openssl("ts -query -data data -sha256 -cert -out theirs.tsq");
    const theirs = openssl("ts -query -in theirs.tsq -text");
    expect(ours).toContain("Nonce: 0xCA01020304050607");
    expect(withoutNonce(ours)).toBe(withoutNonce(theirs));
  });

  describe.each(KEYS)("with a key for %s", (name, key) => {
    const file = (of: string) => `${name.replaceAll(" ", "-")}-${of}`;
    const issue = (subject: string, own: string, extensions: string, ...more: readonly string[]) =>
      openssl(
        `req -x509 -config tsa.cnf -nodes -days 30 -sha256 -extensions ${extensions} -subj`,
        subject,
        ...`-keyout ${file(`${own}.key`)} -out ${file(`${own}.pem`)}`.split(" "),
        ...key,
        ...more,
      );
    /** Makes an issuer and an authority below it. */
    beforeAll(() => {
      writeFileSync(join(directory, "serial"), "1000\n");
      issue("/O=Tests, Inc/CN=issuer", "ca", "issuer");
      issue("/C=CH/CN=authority", "tsa", "stamps", "-CA", file("ca.pem"), "-CAkey", file("ca.key"));
    });

    function reply(...options: readonly string[]): Uint8Array {
      writeFileSync(join(directory, "ours.tsq"), timestampRequest(DATA, NONCE));
      const signer = `-signer ${file("tsa.pem")} -inkey ${file("tsa.key")}`;
      openssl(`ts -reply -config tsa.cnf -queryfile ours.tsq -out ${file("tsr")} ${signer}`, ...options);
      return readFileSync(join(directory, file("tsr")));
    }

    it("makes stamps that are accepted here, with and without the issuer in them", async () => {
      const issuers = readFileSync(join(directory, file("ca.pem")), "utf8");
      for (const options of [[], ["-chain", file("ca.pem")]]) {
        const verified = await verifyTimestamp({
          response: reply(...options),
          data: DATA,
          nonce: NONCE,
          issuers,
        });
        expect(verified).toMatchObject({ authority: "C=CH, CN=authority", policy: "1.2.3.4.1" });
        expect(Math.abs(verified.time - Date.now())).toBeLessThan(600_000);
      }
    });

    it("makes stamps that are refused here with another issuer", async () => {
      const { issuers } = await newStamp();
      expect(await verdictOn({ response: reply(), issuers })).toBe("untrusted");
    });
  });

  it("makes a stamp with the older certificate id, which is accepted", async () => {
    writeFileSync(
      join(directory, "sha1.cnf"),
      CONFIG.replace("ess_cert_id_alg = sha256", "ess_cert_id_alg = sha1"),
    );
    writeFileSync(join(directory, "ours.tsq"), timestampRequest(DATA, NONCE));
    openssl(
      "ts -reply -config sha1.cnf -queryfile ours.tsq -out sha1.tsr -signer RSA-tsa.pem -inkey RSA-tsa.key",
    );
    const response = readFileSync(join(directory, "sha1.tsr"));
    const issuers = readFileSync(join(directory, "RSA-ca.pem"), "utf8");
    expect(await verdictOn({ response, issuers })).toBe("accepted");
  });
});
