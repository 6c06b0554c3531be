import { describe, expect, it } from 'vitest'
import { ago, duration, marks, micros, number, short } from './format'

describe('format', () => {
  it('writes numbers with sensible digits', () => {
    expect(number(1234567)).toBe('1,234,567')
    expect(number(41.2345)).toBe('41.2')
    expect(number(141.2345)).toBe('141.2')
    expect(number(undefined)).toBe('–')
    expect(number(Number.NaN)).toBe('–')
  })
  it('gives the marks of an axis as many digits as tell them apart', () => {
    expect(marks([23.05, 23.1, 23.15, null])).toEqual(['23.05', '23.1', '23.15', ''])
    expect(marks([0, 20, 40])).toEqual(['0', '20', '40'])
  })
  it('writes times as they have passed', () => {
    const now = Date.parse('2026-11-21T12:00:00Z')
    expect(ago('2026-11-21T11:59:30Z', now)).toBe('30 s ago')
    expect(ago('2026-11-21T10:00:00Z', now)).toBe('2 h ago')
    expect(ago('2026-11-01T12:00:00Z', now)).toBe('20 d ago')
    expect(duration('2026-11-21T12:00:00Z', '2026-11-21T12:01:05Z')).toBe('1 min 5 s')
  })
  it('shortens ids and picks units', () => {
    expect(short('01a1fe3a-ba48-7000-b28f-0f18324d659b')).toBe('324d659b')
    expect(short('bikes')).toBe('bikes')
    expect(micros(250)).toBe('250 µs')
    expect(micros(2500)).toBe('2.5 ms')
  })
})
