import { Button, Code, Group, NumberInput, SimpleGrid, Text, TextInput, Title } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, get, inProject } from '../../api/client'
import type { DeploymentView, ModelVersion } from '../../api/types'
import { Command } from '../../ui/states'

const NUMERIC = /double|float|int|long/

interface Tensor { name: string; shape: number[]; datatype: string; data: (number | string)[] }

/** One row for the model that a deployment serves, over the Open Inference Protocol as any client would send it. */
export function TryModel({ project, version }: { project: string; version: ModelVersion }) {
  const inputs = version.signature.inputs.slice(0, 40)
  const [values, setValues] = useState<{ [name: string]: string | number }>({})
  const deployments = useQuery({ queryKey: [project, 'deployments'], queryFn: () => get<{ deployments: DeploymentView[] }>(inProject(project, '/deployments')) })
  const served = deployments.data?.deployments.find(({ deployment }) => deployment.definition.model === version.model && deployment.champion !== undefined)
  const name = served && (project === 'default' ? served.deployment.name : `${project}~${served.deployment.name}`)
  const body = { inputs: inputs.map((field): Tensor => ({ name: field.name, shape: [1], datatype: NUMERIC.test(field.type) ? 'FP64' : 'BYTES', data: [NUMERIC.test(field.type) ? Number(values[field.name] ?? 0) : String(values[field.name] ?? '')] })) }
  const ask = useMutation({
    mutationFn: async () => {
      const response = await fetch(`/v2/models/${name}/infer`, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } })
      const answer = (await response.json()) as { error?: string; outputs?: Tensor[]; model_version?: string }
      if (!response.ok) throw new ApiError(response.status, answer.error ?? `HTTP ${response.status}`)
      return answer
    },
  })
  if (inputs.length === 0 || inputs.some((field) => !field.name)) return null
  return (
    <div>
      <Title order={3} fz={16}>Try it</Title>
      {!served || !name ? <Text size="sm" c="dimmed">Deploy it first; then a row can be tried here.</Text> : (
        <>
          <SimpleGrid cols={{ base: 2, md: 4, xl: 6 }} spacing="xs">
            {inputs.map((field) => NUMERIC.test(field.type)
              ? <NumberInput key={field.name} size="xs" label={field.name} value={values[field.name] ?? 0} onChange={(value) => setValues((before) => ({ ...before, [field.name]: value }))} />
              : <TextInput key={field.name} size="xs" label={field.name} value={values[field.name] ?? ''} onChange={(event) => { const value = event.currentTarget.value; setValues((before) => ({ ...before, [field.name]: value })) }} />)}
          </SimpleGrid>
          <Group mt="xs"><Button size="xs" loading={ask.isPending} onClick={() => ask.mutate()}>Predict</Button>{ask.data && <Text size="sm">answers <Code>{ask.data.outputs?.map((output) => `${output.name} ${output.data.join(', ')}`).join('; ')}</Code> by v{ask.data.model_version ?? served.deployment.champion}</Text>}{ask.error && <Text size="sm" c="red">{ask.error.message}</Text>}</Group>
          <Command text={`curl -s ${window.location.origin}/v2/models/${name}/infer -d '${JSON.stringify(body)}'`} />
        </>)}
    </div>
  )
}
