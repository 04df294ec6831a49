/**
 * Decides whether these bytes are a placeholder in the place of a random key: text, one byte repeated, a pattern, a
 * count. Of 10^9 random keys of 32 bytes or more it rejects less than one.
 * @param text the bytes as they were written: base64url
 */
export function isPlaceholder(bytes: Uint8Array, text: string): boolean {
  return (
    new Set(bytes).size < 8 ||
    isText(bytes) ||
    isRepetition(bytes) ||
    isSequence(bytes) ||
    /change[-_]?me|replace[-_]?me|placeholder/i.test(text)
  );
}

function isText(bytes: Uint8Array): boolean {
  return bytes.every(
    (byte) => (byte >= 0x20 && byte <= 0x7e) || byte === 0x00 || byte === 0x0a || byte === 0x0d,
  );
}

function isRepetition(bytes: Uint8Array): boolean {
  for (let period = 1; period <= bytes.length / 2; period++) if (hasPeriod(bytes, period)) return true;
  return false;
}

/** Begins at the first byte that can differ, where a random key fails for every period. */
function hasPeriod(bytes: Uint8Array, period: number): boolean {
  for (let i = period; i < bytes.length; i++) if (bytes[i] !== bytes[i - period]) return false;
  return true;
}

function isSequence(bytes: Uint8Array): boolean {
  const step = (i: number) => ((bytes[i] ?? 0) - (bytes[i - 1] ?? 0)) & 0xff;
  return bytes.every((_, i) => i < 2 || step(i) === step(1));
}
