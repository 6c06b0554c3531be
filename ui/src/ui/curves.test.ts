import { describe, expect, it } from 'vitest'
import { axisOf, gaps, rising, stretch } from './curves'

const curve = (steps: number[], values: (number | null)[]) => ({ run: 'r', steps, times: steps.map((_, index) => 1000 * (index + 1)), values })

describe('axisOf', () => {
  it('draws what was logged without steps over time', () => expect(axisOf([curve([0, 0, 0], [1, 2, 3])], 'step')).toBe('time'))
  it('draws steps where there are any', () => expect(axisOf([curve([0, 0], [1, 2]), curve([0, 1], [1, 2])], 'step')).toBe('step'))
  it('leaves a choice and single points alone', () => {
    expect(axisOf([curve([0, 0], [1, 2])], 'relative')).toBe('relative')
    expect(axisOf([curve([0], [1])], 'step')).toBe('step')
  })
})

describe('rising', () => {
  it('keeps gaps as gaps, smoothed or not', () => {
    expect(rising(curve([0, 1, 2], [1, null, 3]), 'step', 0)).toEqual([[0, 1, 2], [1, null, 3]])
    expect(rising(curve([0, 1, 2], [1, null, 1]), 'step', 0.5)[1][1]).toBeNull()
    expect(rising(curve([0, 1, 2], [1, null, 1]), 'step', 0.5)[1][2]).toBeCloseTo(1, 10)
  })
  it('draws every point of one step over time', () => expect(rising(curve([0, 0, 0], [5, 6, 7]), 'time', 0)).toEqual([[1, 2, 3], [5, 6, 7]]))
})

describe('gaps', () => it('counts them', () => expect(gaps([curve([0, 1], [null, 1]), curve([0], [null])])).toBe(2)))

describe('stretch', () => {
  it('is what there is, and of a single point its surroundings', () => {
    expect(stretch(3, 9, false)).toEqual([3, 9])
    expect(stretch(3, 3, false)).toEqual([2, 4])
    expect(stretch(86_400 * 20, 86_400 * 20, true)).toEqual([86_400 * 6, 86_400 * 34])
  })
})
