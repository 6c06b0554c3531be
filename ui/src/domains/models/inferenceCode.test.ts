import { describe, expect, it } from 'vitest'
import { inferenceCode, LANGUAGES } from './inferenceCode'

const inputs = [{ name: "it's", shape: [1], datatype: 'BYTES', data: ["o'slo"] }, { name: 'on', shape: [1], datatype: 'BOOL', data: [true] }]

describe('inferenceCode', () => {
  it('names the model or its address in every language', () => {
    for (const language of LANGUAGES) {
      expect(inferenceCode(language, 'http://host:1', '/v2/models/m/versions/2/infer', 'm', '2', inputs)).toMatch(/host:1/)
    }
  })
  it('keeps a quote within the words of a shell', () => {
    expect(inferenceCode('curl', 'http://host:1', '/p', 'm', '2', inputs)).toContain("o'\\''slo")
  })
  it('writes truths as Python does', () => {
    expect(inferenceCode('Python', 'http://host:1', '/p', 'm', '2', inputs)).toContain('np.array([True], bool)')
  })
})
