/** Exponential moving average, corrected for its start: weight 0 changes nothing, 1 would be flat. */
export function smoothed(values: number[], weight: number): number[] {
  if (weight <= 0) return values
  let average = 0
  return values.map((value, index) => {
    average = average * weight + value * (1 - weight)
    return average / (1 - weight ** (index + 1))
  })
}
