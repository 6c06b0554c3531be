/**
 * Exponential moving average, corrected for its start: weight 0 changes nothing, 1 would be flat. What is no number stays a gap, and the
 * average goes on behind it.
 */
export function smoothed(values: (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return values
  let average = 0
  let seen = 0
  return values.map((value) => {
    if (value === null) return null
    average = average * weight + value * (1 - weight)
    seen += 1
    return average / (1 - weight ** seen)
  })
}
