/** Meanings of the operating system's error codes. */
const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EISDIR: "it is a folder, not a file",
  ENOTDIR: "a part of its path is a file, not a folder",
  EACCES: "you have no permission",
  EPERM: "you have no permission",
  EROFS: "its disk is read-only",
  ENOSPC: "its disk is full",
  EDQUOT: "its disk is full for you",
  EEXIST: "it is there already",
  EBUSY: "another program uses it",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
  ENAMETOOLONG: "its name is too long",
  ELOOP: "its links lead in a circle",
  EFBIG: "it is larger than its disk takes",
  EIO: "its disk fails",
};

/** The operating system's error, as of a file that can't be opened. */
export interface SystemError extends Error {
  readonly code: string;
  readonly path?: string;
}

export function isOfTheSystem(error: unknown): error is SystemError {
  return error instanceof Error && /^E[A-Z]+$/.test(String(Reflect.get(error, "code")));
}

/** Why the operating system did not do it, in words for a person. */
export function whyNot(error: unknown): string {
  if (!isOfTheSystem(error)) return "the reason is not known";
  return WORDS[error.code] ?? "the operating system refuses it";
}
