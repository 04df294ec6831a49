import { type Der, readDer, tlv } from "../../../shared/timestamp/der.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Replaces the value at a path of child numbers, and writes the lengths around it anew. Nothing removes the value. */
export function edited(bytes: Uint8Array, path: readonly number[], change: (value: Der) => Bytes): Bytes {
  return rewritten(readDer(bytes), path, change);
}

function rewritten(der: Der, path: readonly number[], change: (value: Der) => Bytes): Bytes {
  const [at, ...deeper] = path;
  if (at === undefined) return change(der);
  if (at >= der.children.length) throw new RangeError(`there is no value ${at} here`);
  return tlv(
    der.tag,
    ...der.children.map((child, i) => (i === at ? rewritten(child, deeper, change) : child.bytes)),
  );
}

/** Flips the lowest bit of a value's last byte. */
export function flipped({ tag, content }: Der): Bytes {
  return tlv(tag, content.with(content.length - 1, (content.at(-1) as number) ^ 1));
}

export function removed(): Bytes {
  return new Uint8Array();
}
