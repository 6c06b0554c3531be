import { Button, Code, Group, NumberInput, SegmentedControl, SimpleGrid, Text, TextInput, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError } from '../../api/client'
import type { ModelVersion } from '../../api/types'
import { Command } from '../../ui/states'
import { inferenceCode, LANGUAGES, type Language, type Tensor } from './inferenceCode'

const DATATYPES: { [type: string]: string } = { boolean: 'BOOL', integer: 'INT32', long: 'INT64', float: 'FP32', double: 'FP64', numeric: 'FP64' }

function tensor(field: { name: string; type: string }, value: string | number | undefined): Tensor {
  const datatype = DATATYPES[field.type] ?? (/double|float|int|long/.test(field.type) ? 'FP64' : 'BYTES')
  const data = datatype === 'BYTES' ? String(value ?? '') : datatype === 'BOOL' ? Number(value ?? 0) !== 0 : Number(value ?? 0)
  return { name: field.name, shape: [1], datatype, data: [data] }
}

/** One row for this version, over the Open Inference Protocol as any client would send it; the model is loaded if it has to be. */
export function TryModel({ project, version }: { project: string; version: ModelVersion }) {
  const inputs = version.signature.inputs.slice(0, 40)
  const [values, setValues] = useState<{ [name: string]: string | number }>({})
  const [language, setLanguage] = useState<Language>('curl')
  const name = project === 'default' ? version.model : `${project}~${version.model}`
  const path = `/v2/models/${encodeURIComponent(name)}/versions/${version.version}/infer`
  const body = { inputs: inputs.map((field) => tensor(field, values[field.name])) }
  const ask = useMutation({
    mutationFn: async () => {
      const begun = performance.now()
      const response = await fetch(path, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } })
      const answer = (await response.json()) as { error?: string; outputs?: Tensor[]; model_version?: string }
      if (!response.ok) throw new ApiError(response.status, answer.error ?? `HTTP ${response.status}`)
      return { ...answer, milliseconds: performance.now() - begun }
    },
  })
  if (!version.folder || inputs.length === 0 || inputs.some((field) => !field.name || field.type.includes('['))) return null
  const set = (field: string, value: string | number) => setValues((before) => ({ ...before, [field]: value }))
  return (
    <div>
      <Title order={3} fz={16}>Try it</Title>
      <SimpleGrid cols={{ base: 2, md: 4, xl: 6 }} spacing="xs">
        {inputs.map((field) => tensor(field, 0).datatype === 'BYTES'
          ? <TextInput key={field.name} size="xs" label={field.name} value={values[field.name] ?? ''} onChange={(event) => set(field.name, event.currentTarget.value)} />
          : <NumberInput key={field.name} size="xs" label={field.name} value={values[field.name] ?? 0} onChange={(value) => set(field.name, value)} />)}
      </SimpleGrid>
      <Group my="xs">
        <Button size="xs" loading={ask.isPending} onClick={() => ask.mutate()}>Predict</Button>
        {ask.data && <Text size="sm">answers <Code>{ask.data.outputs?.map((output) => `${output.name} ${output.data.join(', ')}`).join('; ')}</Code> by v{ask.data.model_version ?? version.version} in {ask.data.milliseconds.toFixed(1)} ms</Text>}
        {ask.error && <Text size="sm" c="red">{ask.error.message}</Text>}
      </Group>
      <SegmentedControl size="xs" mb="xs" aria-label="Language" data={[...LANGUAGES]} value={language} onChange={(value) => setLanguage(value as Language)} />
      <Command text={inferenceCode(language, window.location.origin, path, name, String(version.version), body.inputs)} />
    </div>
  )
}
