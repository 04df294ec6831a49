/** stdout carries the data and nothing else: with `--json` one JSON document, otherwise text for a person. */
export function show<Document>(
  options: { readonly json?: boolean },
  document: Document,
  text: (document: Document) => string,
): void {
  process.stdout.write(`${options.json ? JSON.stringify(document, null, 2) : text(document)}\n`);
}

/** What a person may want to know beside the data: stderr. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
