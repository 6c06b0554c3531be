import { Button, Code, Modal, Select, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { get, inProject, post } from '../../api/client'
import type { DataSet, FeatureView, ModelVersion, PipelineRun } from '../../api/types'

/** Predicts a whole data set with the version, and opens the run that does it. */
export function ScoreData({ project, version }: { project: string; version: ModelVersion }) {
  const navigate = useNavigate()
  const [open, setOpen] = useState(false)
  const [data, setData] = useState<string | null>(null)
  const [output, setOutput] = useState('')
  const sets = useQuery({ queryKey: [project, 'data-sets'], queryFn: () => get<{ dataSets: DataSet[] }>(inProject(project, '/data-sets')), enabled: open })
  const views = useQuery({ queryKey: [project, 'feature-views'], queryFn: () => get<{ featureViews: FeatureView[] }>(inProject(project, '/feature-views')), enabled: open })
  const start = useMutation({
    mutationFn: () => post<PipelineRun>(inProject(project, '/scorings'), { model: version.model, version: String(version.version), data, ...(output ? { output } : {}) }),
    onSuccess: (run) => void navigate({ to: `/ui/${project}/pipelines/runs/${run.id}` }),
  })
  const names = [...new Set([...(views.data?.featureViews ?? []), ...(sets.data?.dataSets ?? [])].map((set) => set.name))]
  return (
    <>
      <Button size="xs" variant="default" onClick={() => setOpen(true)}>Score data</Button>
      <Modal opened={open} onClose={() => setOpen(false)} title={`Score a data set with ${version.model} v${version.version}`}>
        <Stack>
          <Text size="sm">Every row of the newest version is predicted. The rows with their predictions become a new version of another data set.</Text>
          <Select label="Data set" placeholder={names.length === 0 ? 'none is defined yet' : 'which rows'} data={names} value={data} onChange={setData} searchable />
          <TextInput label="Where to" placeholder={data ? `${data}-scored` : ''} value={output} onChange={(event) => setOutput(event.currentTarget.value)} />
          {data && <Code block>{`tidemill score ${version.model} --of ${version.version} --data ${data}${output ? ` --output ${output}` : ''}`}</Code>}
          {start.error && <Text c="red" size="sm">{start.error.message}</Text>}
          <Button loading={start.isPending} disabled={!data} onClick={() => start.mutate()}>Score</Button>
        </Stack>
      </Modal>
    </>
  )
}
