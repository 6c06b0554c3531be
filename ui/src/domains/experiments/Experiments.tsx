import { Code, ScrollArea, SimpleGrid, Table, Text, Title } from '@mantine/core'
import { useQueries, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { get, inProject } from '../../api/client'
import type { Experiment, MetricPoint, TrackedRun } from '../../api/types'
import { useName, useProject } from '../../project'
import { COLOUR, Curves, type Series } from '../../ui/charts'
import { duration, number, short } from '../../ui/format'
import { Chain, Page, To } from '../../ui/page'
import { Ago, Empty, Loaded, State } from '../../ui/states'

const METRICS = ['error', 'mean_absolute_error', 'root_mean_squared_error', 'error_rate', 'log_loss', 'r2']

export function Runs() {
  const project = useProject()
  const experiments = useQuery({ queryKey: [project, 'experiments'], queryFn: () => get<{ experiments: Experiment[] }>(inProject(project, '/experiments')) })
  const query = useQuery({ queryKey: [project, 'runs'], queryFn: () => get<{ runs: TrackedRun[] }>(inProject(project, '/runs?limit=300')) })
  return (
    <Page title="Experiments">
      <Loaded query={query}>
        {({ runs }) => {
          if (runs.length === 0) return <Empty text="No training run yet." command={`tidemill run train -p ${project}`} />
          const params = [...new Set(runs.flatMap((run) => Object.keys(run.params)))].sort()
          const metrics = METRICS.filter((metric) => runs.some((run) => run.metrics[metric] !== undefined)).slice(1)
          const names = new Map(experiments.data?.experiments.map((entry) => [entry.id, entry.name]))
          return (
            <ScrollArea>
              <Table highlightOnHover>
                <Table.Thead><Table.Tr><Table.Th>Run</Table.Th><Table.Th>Experiment</Table.Th><Table.Th>Step</Table.Th><Table.Th>Status</Table.Th>{params.map((param) => <Table.Th key={param} ta="right">{param}</Table.Th>)}{metrics.map((metric) => <Table.Th key={metric} ta="right">{metric}</Table.Th>)}<Table.Th>Data</Table.Th><Table.Th>Started</Table.Th></Table.Tr></Table.Thead>
                <Table.Tbody>{runs.map((run) => (
                  <Table.Tr key={run.id}>
                    <Table.Td><To to={`/ui/${project}/experiments/${run.id}`}>{short(run.id)}</To></Table.Td><Table.Td>{names.get(run.experimentId) ?? run.experimentId}</Table.Td><Table.Td>{run.name}</Table.Td><Table.Td><State value={run.status} /></Table.Td>
                    {params.map((param) => <Table.Td key={param} ta="right">{run.params[param] ?? ''}</Table.Td>)}
                    {metrics.map((metric) => <Table.Td key={metric} ta="right">{number(run.metrics[metric])}</Table.Td>)}
                    <Table.Td>{run.tags['data'] ?? ''}</Table.Td><Table.Td><Ago time={run.startedAt} /></Table.Td>
                  </Table.Tr>))}
                </Table.Tbody>
              </Table>
            </ScrollArea>
          )
        }}
      </Loaded>
    </Page>
  )
}

export function TrackedRunPage() {
  const project = useProject()
  const id = useName('run')
  const query = useQuery({ queryKey: [project, 'runs', id], queryFn: () => get<TrackedRun>(inProject(project, `/runs/${id}`)) })
  return (
    <Loaded query={query}>
      {(run) => {
        const data = run.tags['data']
        const pipelineRun = run.tags['pipeline.run']
        return (
          <Page path={[{ label: 'Experiments', to: `/ui/${project}/experiments` }]} title={`Run ${short(run.id)}`} status={<State value={run.status} />}
            chain={<Chain links={[data ? { label: data, to: `/ui/${project}/data/${data.split('@')[0] ?? ''}` } : undefined, pipelineRun ? { label: `pipeline run ${short(pipelineRun)}`, to: `/ui/${project}/pipelines/runs/${pipelineRun}` } : undefined, { label: `run ${short(run.id)}`, to: `/ui/${project}/experiments/${run.id}` }]} />}>
            <RunCurves project={project} run={run} />
            <SimpleGrid cols={{ base: 1, md: 2 }}>
              <Facts title="Parameters" facts={run.params} />
              <Facts title="Metrics" facts={Object.fromEntries(Object.entries(run.metrics).map(([key, value]) => [key, number(value, 5)]))} />
            </SimpleGrid>
            <Text size="sm" c="dimmed">took {duration(run.startedAt, run.endedAt)}, model <Code>{run.modelDigest?.slice(0, 12) ?? 'none'}</Code></Text>
          </Page>
        )
      }}
    </Loaded>
  )
}

function RunCurves({ project, run }: { project: string; run: TrackedRun }) {
  const names = Object.keys(run.metrics).filter((name) => /^(train|holdout)_(mae|logloss|mlogloss)$/.test(name)).sort()
  const queries = useQueries({ queries: names.map((name) => ({ queryKey: [project, 'runs', run.id, name], queryFn: () => get<{ points: MetricPoint[] }>(inProject(project, `/runs/${run.id}/metrics/${name}`)) })) })
  const loaded = queries.every((query) => query.data)
  const { x, series } = useMemo(() => {
    const points = queries.map((query) => query.data?.points ?? [])
    const longest = points.reduce((best, list) => (list.length > best.length ? list : best), [] as MetricPoint[])
    const lines = names.map((name, index): Series => ({ label: name, values: (points[index] ?? []).map((point) => point.value), colour: name.startsWith('train') ? COLOUR.reference : COLOUR.champion, ...(name.startsWith('train') ? { dash: [6, 4] } : {}) }))
    return { x: longest.map((point) => point.step), series: lines }
    // The queries' array is new on every render; what counts is whether they have loaded.
  }, [loaded, run.id])
  if (names.length === 0) return null
  return <Curves x={x} series={series} unit="loss by boosting round" />
}

function Facts({ title, facts }: { title: string; facts: { [key: string]: string } }) {
  return (
    <div>
      <Title order={3} fz={16}>{title}</Title>
      <Table><Table.Tbody>{Object.entries(facts).map(([key, value]) => <Table.Tr key={key}><Table.Td>{key}</Table.Td><Table.Td ta="right">{value}</Table.Td></Table.Tr>)}</Table.Tbody></Table>
    </div>
  )
}
