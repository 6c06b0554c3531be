import { Button, Table, Text, Title } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { get, inProject, post } from '../../api/client'
import type { PipelineRun, PipelineVersion } from '../../api/types'
import { useProject } from '../../project'
import { duration, short } from '../../ui/format'
import { Page, To } from '../../ui/page'
import { Ago, Empty, Loaded, State } from '../../ui/states'

export function Pipelines() {
  const project = useProject()
  const navigate = useNavigate()
  const pipelines = useQuery({ queryKey: [project, 'pipelines'], queryFn: () => get<{ pipelines: PipelineVersion[] }>(inProject(project, '/pipelines')) })
  const runs = useQuery({ queryKey: [project, 'pipeline-runs'], queryFn: () => get<{ runs: PipelineRun[] }>(inProject(project, '/pipeline-runs?limit=100')) })
  const start = useMutation({
    mutationFn: (name: string) => post<PipelineRun>(inProject(project, `/pipelines/${name}/runs`)),
    onSuccess: (run) => navigate({ to: `/ui/${project}/pipelines/runs/${run.id}` }),
  })
  return (
    <Page title="Pipelines">
      <Loaded query={pipelines}>
        {({ pipelines: list }) => list.length === 0 ? <Empty text="No pipeline is defined yet." command="tidemill apply -f my-project" /> : (
          <Table>
            <Table.Thead><Table.Tr><Table.Th>Pipeline</Table.Th><Table.Th>Version</Table.Th><Table.Th>Steps</Table.Th><Table.Th /></Table.Tr></Table.Thead>
            <Table.Tbody>{list.map((entry) => (
              <Table.Tr key={entry.name}>
                <Table.Td fw={600}>{entry.name}</Table.Td><Table.Td>{entry.version}</Table.Td>
                <Table.Td><Text size="sm" c="dimmed">{entry.pipeline.steps.map((step) => step.name).join(' → ')}</Text></Table.Td>
                <Table.Td ta="right"><Button size="compact-sm" variant="light" loading={start.isPending} onClick={() => start.mutate(entry.name)}>Run now</Button></Table.Td>
              </Table.Tr>))}
            </Table.Tbody>
          </Table>)}
      </Loaded>
      {start.error && <Text c="red" size="sm">{start.error.message}</Text>}
      <Title order={3} fz={16}>Runs</Title>
      <Loaded query={runs}>
        {({ runs: list }) => list.length === 0 ? <Empty text="No run yet." command={`tidemill run train -p ${project}`} /> : (
          <Table highlightOnHover>
            <Table.Thead><Table.Tr><Table.Th>Run</Table.Th><Table.Th>Pipeline</Table.Th><Table.Th>State</Table.Th><Table.Th>Why</Table.Th><Table.Th>Took</Table.Th><Table.Th>Started</Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>{list.map((run) => (
              <Table.Tr key={run.id}>
                <Table.Td><To to={`/ui/${project}/pipelines/runs/${run.id}`}>{short(run.id)}</To></Table.Td>
                <Table.Td>{run.pipeline} v{run.pipelineVersion}</Table.Td><Table.Td><State value={run.state} /></Table.Td>
                <Table.Td>{run.cause ?? `by ${run.actor}`}</Table.Td><Table.Td>{duration(run.createdAt, run.finishedAt)}</Table.Td><Table.Td><Ago time={run.createdAt} /></Table.Td>
              </Table.Tr>))}
            </Table.Tbody>
          </Table>)}
      </Loaded>
    </Page>
  )
}
