import { type Der, expectTag, oidOf, sequenceOf, TAG } from "./der.ts";

const SHORT: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.5": "serialNumber",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "2.5.4.97": "organizationIdentifier",
};

const BMP_STRING = 0x1e;

/** Writes the name of a certificate for people: `CN=…, O=…, C=…`, in its own order. For display, not for comparison. */
export function nameText(name: Der): string {
  return name.children
    .flatMap((set) => expectTag(set, TAG.set, "a part of a name").children)
    .map((pair) => {
      const [id, value] = sequenceOf(pair, "a part of a name");
      const dotted = oidOf(id, "a part of a name");
      return `${SHORT[dotted] ?? dotted}=${value === undefined ? "" : printable(value)}`;
    })
    .join(", ");
}

/** Replaces what could pass for another part of the name, or for another line. */
function printable({ tag, content }: Der): string {
  const text = new TextDecoder(tag === BMP_STRING ? "utf-16be" : "utf-8").decode(content);
  return text.replaceAll(/[\p{C}\p{Z}]/gu, " ").replaceAll(/[,=\\]/g, "\\$&");
}
