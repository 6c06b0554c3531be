import type { Curve } from '../api/types'
import { smoothed } from './smoothing'

export type Axis = 'step' | 'time' | 'relative'

/** The axis that curves are drawn over: what was logged without steps lies all at one of them, and is drawn over time. */
export function axisOf(curves: Curve[], asked: Axis): Axis {
  const long = curves.filter((curve) => curve.values.length > 1)
  const stepless = long.length > 0 && long.every((curve) => curve.steps.every((step) => step === curve.steps[0]))
  return asked === 'step' && stepless ? 'time' : asked
}

function xs(curve: Curve, axis: Axis): number[] {
  if (axis === 'step') return curve.steps
  const start = curve.times[0] ?? 0
  return curve.times.map((time) => (axis === 'time' ? time / 1000 : (time - start) / 1000))
}

/**
 * A curve's points with x strictly rising, as the chart needs them; of several at one place the last counts. What is no number is null, a
 * gap.
 */
export function rising(curve: Curve, axis: Axis, weight: number): [number[], (number | null)[]] {
  const values = smoothed(curve.values, weight)
  const points = new Map<number, number | null>()
  xs(curve, axis).forEach((x, index) => points.set(x, values[index] ?? null))
  const sorted = [...points].sort(([a], [b]) => a - b)
  return [sorted.map(([x]) => x), sorted.map(([, y]) => y)]
}

/** How many of the points are no number. */
export const gaps = (curves: Curve[]): number => curves.reduce((sum, curve) => sum + curve.values.filter((value) => value === null).length, 0)

const FORTNIGHT_SECONDS = 14 * 86_400

/** The stretch of x that is drawn: of a single point its surroundings, so that it stands in the middle. */
export function stretch(low: number, high: number, time: boolean): [number, number] {
  if (low < high) return [low, high]
  const around = time ? FORTNIGHT_SECONDS : 1
  return [low - around, high + around]
}
