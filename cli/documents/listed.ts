import type { DocumentPage } from "../../shared/api/storage-report.ts";
import type { Client } from "../http/client.ts";

export type ListedDocument = DocumentPage["documents"][number];

const PAGE = 1_000;

/** Every document that the deployment has stored, in the order of ids, page by page. */
export async function* listedDocuments(
  client: Client,
  status?: ListedDocument["status"],
): AsyncGenerator<ListedDocument> {
  let after: string | undefined;
  for (;;) {
    const page: DocumentPage = await client.call("GET /api/storage-verify/documents", {
      query: { after, limit: PAGE, status },
    });
    yield* page.documents;
    if (page.next === null) return;
    if (page.next === after) throw new Error("the deployment gave the same page of documents twice");
    after = page.next;
  }
}
