import { describe, expect, it } from 'vitest'
import { smoothed } from './smoothing'

describe('smoothed', () => {
  it('leaves values as they are at weight 0', () => expect(smoothed([3, 1, 2], 0)).toEqual([3, 1, 2]))
  it('keeps a constant constant from its first point on', () => smoothed([5, 5, 5], 0.9).forEach((value) => expect(value).toBeCloseTo(5, 10)))
  it('is the corrected moving average', () => {
    const [first, second] = smoothed([1, 3], 0.5)
    expect(first).toBeCloseTo(1, 10)
    expect(second).toBeCloseTo((1 * 0.25 + 3 * 0.5) / 0.75, 10)
  })
})
