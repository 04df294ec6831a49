import { activationRequest } from "../../shared/client/activation.ts";
import { openDocument, sealDocument } from "../../shared/client/documents.ts";
import { VdcProblem } from "../../shared/client/problem.ts";
import { creation, privatePart, transfer } from "../../shared/client/unsigned.ts";
import { generateUserKeys, importUserKeys } from "../../shared/client/user-keys.ts";
import { openMetadata, sealMetadata } from "../../shared/client/user-metadata.ts";
import { VdcClient } from "../../shared/client/vdc-client.ts";

/** The page's report: one line for each finished step. */
export interface PageReport {
  readonly done: readonly string[];
  readonly error?: string;
}

/** Does what an app's page does, from its first visit on. The page is on another origin than the deployment. */
export async function visit(
  url: string,
  token: string,
  report: (report: PageReport) => Promise<void>,
): Promise<void> {
  const done: string[] = [];
  try {
    const vdc = new VdcClient(url);
    const seeds = JSON.stringify(generateUserKeys());
    const alice = await importUserKeys(JSON.parse(seeds));
    const bob = await importUserKeys(generateUserKeys());
    done.push("made keys");

    const activating = await activationRequest(await vdc.chainId(), token, alice, Date.now());
    const registered = await vdc.activate(activating);
    done.push(`registered: ${(await vdc.waitUntilMined(registered.txId)).state}`);

    const metadata = { name: "Alice L." };
    await vdc.putUserMetadata(await sealMetadata(await vdc.chainId(), alice, 1, metadata));
    const known = await openMetadata(await vdc.chainId(), alice, await vdc.getUserMetadata(alice.userId));
    done.push(`kept metadata: ${JSON.stringify(known)}`);

    const will = new TextEncoder().encode("the last will of somebody");
    const sealed = await sealDocument(await vdc.chainId(), will, alice);
    const { id, documentCid } = await vdc.putDocument(sealed);
    const opened = await openDocument(await vdc.chainId(), await vdc.getDocument(id), alice, id);
    done.push(`kept a document: ${new TextDecoder().decode(opened)}`);

    const assetId = `deed-${crypto.randomUUID()}`;
    const created = { ...creation({ assetId, documentCid }), private: privatePart({ price: "1 euro" }) };
    const creating = await vdc.submit(await vdc.sign(alice, created));
    await vdc.waitUntilMined(creating.txId);
    const { transaction, block } = await vdc.verifyMined(creating.txId);
    if (transaction.signatures.user?.keyId !== alice.userId) throw new Error("another user signed it");
    done.push(`created and verified: ${block.transactionCount > 0}`);

    const giving = await vdc.sign(alice, transfer(assetId, bob.userId));
    const transferring = await vdc.submit(giving, { allowUnregistered: true });
    done.push(`transferred: ${(await vdc.waitUntilMined(transferring.txId)).state}`);

    const refused = await vdc
      .submit({ ...(await vdc.sign(alice, creation({ assetId: "a" }))), timestamp: 5 })
      .catch((error: unknown) => error);
    done.push(
      `refused: ${refused instanceof VdcProblem ? `${refused.slug}, ${refused.requestId?.length}` : String(refused)}`,
    );
    await report({ done });
  } catch (error) {
    await report({ done, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
