import { expect, test } from 'vitest'
import { drawn, told } from './inferenceGraph'

test('a model stands between the request and the answer', () => {
  const { boxes, lines } = drawn({ model: 'price/3' })
  expect(boxes.map((box) => box.label)).toEqual(['request', 'price/3', 'answer'])
  expect(boxes[1]?.model).toEqual({ name: 'price', version: '3' })
  expect(lines.map((line) => [line.source, line.target])).toEqual([['0', '1'], ['1', '2']])
})

test('branches part at a switch and members meet where they are combined', () => {
  const { boxes, lines } = drawn({ switch: [{ name: 'vip', when: { column: 'segment', in: ['vip'] }, then: { model: 'a/1' } }, { name: 'rest', then: { ensemble: [{ model: 'b/1' }, { sequence: [{ model: 'c/1' }, { model: 'd/1' }], pass: 'response' }], combine: 'mean', weights: [1, 2] } }] })
  const label = (id: string) => boxes.find((box) => box.id === id)?.label
  expect(lines.map((line) => `${label(line.source)} -${line.label}-> ${label(line.target)}`)).toEqual([
    'request --> switch', 'switch -segment is vip-> a/1', 'switch -else-> b/1', 'switch -else-> c/1', 'c/1 --> d/1', 'b/1 -× 1-> mean', 'd/1 -× 2-> mean', 'a/1 --> answer', 'mean --> answer',
  ])
})

test('shares of a split are told in percent, conditions in words', () => {
  expect(drawn({ split: [{ name: 'a', weight: 3, to: { model: 'a/1' } }, { name: 'b', weight: 1, to: { model: 'b/1' } }] }).lines.map((line) => line.label)).toEqual(['', '75 %', '25 %', '', ''])
  expect(told({ column: 'age', 'at-least': 18 })).toBe('age ≥ 18')
  expect(told({ column: 'age', missing: true })).toBe('age is missing')
})
