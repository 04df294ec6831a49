/** Why bytes are no text, in words for the person who gave them. */
export class NoText extends Error {
  override readonly name = "NoText";
}

/**
 * The text of a file as an editor or a shell saved it: UTF-8 with or without a byte order mark, or UTF-16 with one, as Windows
 * PowerShell 5.1 writes with `>`.
 * @throws NoText, which repeats nothing of the bytes
 */
export function textOf(bytes: Uint8Array): string {
  const encoding = encodingOf(bytes);
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: false }).decode(bytes); // without the mark
  } catch {
    throw new NoText(
      encoding === "utf-8"
        ? "it is not UTF-8 text: save it as UTF-8"
        : "it begins as UTF-16 text, and is damaged: save it as UTF-8",
    );
  }
}

function encodingOf(bytes: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (bytes.includes(0))
    throw new NoText("it holds zero bytes, as UTF-16 without a byte order mark does: save it as UTF-8");
  return "utf-8";
}
