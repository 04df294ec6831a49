/** @throws the signal's reason as soon as the signal is aborted */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", refuse);
      resolve();
    }, milliseconds);
    if (signal?.aborted === true) refuse();
    else signal?.addEventListener("abort", refuse, { once: true });
  });
}
