// Writes test/fixtures/proofs/vdc-proof-1.json: `node test/support/verify/make-golden-proof.ts`. Run it for a new version of the
// format only, under a new name: the proofs of all earlier versions must verify for ever.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { provedChain } from "./proofs.ts";

const file = join(import.meta.dirname, "../../fixtures/proofs/vdc-proof-1.json");
writeFileSync(file, `${JSON.stringify(await provedChain(), null, 2)}\n`);
