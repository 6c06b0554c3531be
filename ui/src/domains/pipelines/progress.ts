/** How far a step is, from 0 to 1, by the last line of its log that tells; undefined if none does. */
export function progressOf(log: string): number | undefined {
  const told = [...log.matchAll(/progress (\d+)\/(\d+)$/gm)].at(-1)
  const total = Number(told?.[2] ?? 0)
  return total > 0 ? Math.min(1, Number(told?.[1]) / total) : undefined
}
