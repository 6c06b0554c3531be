import { expect, test } from 'vitest'
import { progressOf } from './progress'

test('the last line that tells it counts', () => {
  expect(progressOf('a\n2026 [1] progress 1/4\n2026 [1] progress 3/4\nand so on\n')).toBe(0.75)
  expect(progressOf('2026 [1] progress 0/9\n')).toBe(0)
})

test('a log that tells nothing has no progress', () => {
  expect(progressOf('rows written')).toBeUndefined()
  expect(progressOf('progress 1/0')).toBeUndefined()
})
