/** Numbers and times for people. */

export function number(value: number | undefined | null, digits = 3): string {
  if (value === undefined || value === null || Number.isNaN(value)) return '–'
  if (Number.isInteger(value)) return value.toLocaleString('en')
  return value.toLocaleString('en', { maximumSignificantDigits: digits + (Math.abs(value) >= 100 ? 1 : 0) })
}

/** The marks of an axis, with as many digits as tell neighbours apart. */
export function marks(values: (number | null)[]): string[] {
  const known = values.filter((value): value is number => value !== null)
  for (let digits = 3; digits < 8; digits++) {
    const texts = values.map((value) => (value === null ? '' : number(value, digits)))
    if (new Set(texts.filter((text) => text !== '')).size === new Set(known).size) return texts
  }
  return values.map((value) => (value === null ? '' : String(value)))
}

/** A probability that may be very small. */
export const probability = (value: number | undefined): string => (value !== undefined && value < 0.001 ? '< 0.001' : number(value))

export const short = (id: string): string => (id.length > 16 ? id.replace(/-/g, '').slice(-8) : id)

export const date = (iso: string | undefined): string => (iso ? iso.slice(0, 10) : '–')

/** The time of the day here, such as "14:03:59". */
export const clock = (iso: string): string => new Date(iso).toLocaleTimeString(undefined, { hour12: false })

/** Time passed, such as "3 min ago". */
export function ago(iso: string, now = Date.now()): string {
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000)
  if (seconds < 60) return `${Math.floor(seconds)} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  return `${Math.floor(seconds / 86_400)} d ago`
}

export function duration(from: string | undefined, to: string | undefined): string {
  if (!from) return '–'
  const seconds = ((to ? Date.parse(to) : Date.now()) - Date.parse(from)) / 1000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min` : `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`
}

/** A large count of microseconds in the unit that fits. */
export const micros = (value: number): string =>
  value >= 1000 ? `${number(value / 1000)} ms` : `${Math.round(value)} µs`
