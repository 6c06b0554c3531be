import { Group, MultiSelect, ScrollArea, Select, SimpleGrid, Switch, Table, Text, Title } from '@mantine/core'
import { useQueries, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { get, inProject, post } from '../../api/client'
import type { Curve, RunPage, TrackedRun } from '../../api/types'
import { useProject } from '../../project'
import { AsCode } from '../../ui/code'
import { number } from '../../ui/format'
import { drawnAs, LineControls, Lines } from '../../ui/lines'
import { Page, To } from '../../ui/page'
import { type Dimension, Parallel, Scatter } from '../../ui/plots'
import { Empty, Loaded } from '../../ui/states'
import { listOf, textOf, useView } from '../../ui/view'

const MOST = 1000
const MOST_COLUMNS = 60

/** Up to 1,000 runs beside one another: those that the address names, or those that its filter finds. */
export function Compare() {
  const project = useProject()
  const [view] = useView()
  const ids = listOf(view['runs']).slice(0, MOST)
  const named = useQueries({ queries: ids.map((id) => ({ queryKey: [project, 'runs', id], queryFn: () => get<TrackedRun>(inProject(project, `/runs/${id}`)) })) })
  const found = useQuery({
    queryKey: [project, 'runs', 'compare', view['filter'], view['experiments'], view['order']], enabled: ids.length === 0,
    queryFn: () => post<RunPage>(inProject(project, '/runs/search'), { filter: view['filter'] ?? '', experiments: listOf(view['experiments']), order: listOf(view['order']), limit: MOST }),
  })
  const runs = ids.length > 0 ? named.flatMap((query) => query.data ?? []) : found.data?.runs ?? []
  const ready = ids.length > 0 ? named.every((query) => !query.isPending) : !found.isPending
  const key = runs.map((run) => run.id).join()
  const stable = useMemo(() => runs, [key])
  return (
    <Page path={[{ label: 'Experiments', to: `/ui/${project}/experiments` }]} title={`Compare ${stable.length.toLocaleString('en')} runs`}
      action={<AsCode samples={{ Python: `import mlflow\n\nruns = [mlflow.get_run(id) for id in ${JSON.stringify(stable.slice(0, 20).map((run) => run.id))}]`, 'Command line': `tidemill runs compare -p ${project} ${stable.slice(0, 20).map((run) => run.id).join(' ')}` }} />}>
      {ids.length === 0 ? <Loaded query={found}>{() => <Compared runs={stable} />}</Loaded> : ready && <Compared runs={stable} />}
    </Page>
  )
}

function Compared({ runs }: { runs: TrackedRun[] }) {
  const project = useProject()
  const navigate = useNavigate()
  const [view, change] = useView()
  const [brushed, setBrushed] = useState<number[] | undefined>()
  const metrics = useMemo(() => [...new Set(runs.flatMap((run) => Object.keys(run.metrics)))].sort(), [runs])
  const params = useMemo(() => [...new Set(runs.flatMap((run) => Object.keys(run.params)))].sort(), [runs])
  const dimensions = useMemo(() => [...params.map((name) => dimension(runs, 'param', name)), ...metrics.map((name) => dimension(runs, 'metric', name))], [runs, params, metrics])
  const differing = useMemo(() => dimensions.filter((entry) => new Set(entry.values.map(String)).size > 1), [dimensions])
  const left = useMemo(() => (brushed ? brushed.flatMap((index) => runs[index] ?? []) : runs), [brushed, runs])
  if (runs.length === 0) return <Empty text="No run to compare: select some among the experiments." />
  const axes = listOf(view['axes'])
  const shown = axes.length > 0 ? axes.flatMap((key) => dimensions.find((entry) => entry.key === key) ?? []) : [...differing.filter((entry) => entry.key.startsWith('param')).slice(0, 6), ...differing.filter((entry) => entry.key.startsWith('metric')).slice(0, 3)]
  const items = dimensions.map((entry) => ({ value: entry.key, label: `${entry.key.split('.')[0]} ${entry.label}` }))
  const pick = (key: string, otherwise: number) => dimensions.find((entry) => entry.key === view[key]) ?? differing[otherwise] ?? dimensions[otherwise]
  const x = pick('x', 0)
  const y = dimensions.find((entry) => entry.key === view['y']) ?? differing.find((entry) => entry.key.startsWith('metric')) ?? dimensions.at(-1)
  return (
    <>
      <Group justify="space-between"><Title order={3} fz={16}>Curves</Title><LineControls view={view} change={change} /></Group>
      <CompareCurves project={project} runs={left} everyone={runs} metrics={metrics} />
      <Group justify="space-between"><Title order={3} fz={16}>Parallel coordinates</Title><MultiSelect size="xs" maw={620} aria-label="Axes" placeholder="Axes" searchable clearable limit={60} data={items} value={shown.map((entry) => entry.key)} onChange={(list) => change({ axes: textOf(list) })} /></Group>
      {shown.length > 1 ? <Parallel dimensions={shown} runs={runs.length} onBrush={setBrushed} /> : <Text size="sm" c="dimmed">These runs differ in fewer than two params and metrics.</Text>}
      {brushed && <Text size="sm" c="dimmed">{left.length.toLocaleString('en')} of {runs.length.toLocaleString('en')} runs are left by the brush; curves and table show these.</Text>}
      {x && y && (
        <>
          <Group justify="space-between"><Title order={3} fz={16}>Scatter</Title><Group gap="xs"><Select size="xs" aria-label="x" searchable limit={60} data={items} value={x.key} onChange={(value) => change({ x: value ?? undefined })} /><Select size="xs" aria-label="y" searchable limit={60} data={items} value={y.key} onChange={(value) => change({ y: value ?? undefined })} /></Group></Group>
          <Scatter x={x} y={y} labels={runs.map((run) => run.name)} onOpen={(index) => void navigate({ to: `/ui/${project}/experiments/${runs[index]?.id ?? ''}` })} />
        </>)}
      <Group justify="space-between"><Title order={3} fz={16}>Table</Title><Switch size="xs" label="Differences only" checked={view['all'] !== 'yes'} onChange={(event) => change({ all: event.currentTarget.checked ? undefined : 'yes' })} /></Group>
      <Differences runs={left} everything={view['all'] === 'yes'} />
    </>
  )
}

function dimension(runs: TrackedRun[], kind: 'param' | 'metric', name: string): Dimension {
  const values = runs.map((run) => (kind === 'param' ? run.params[name] : run.metrics[name]) ?? null)
  const numbers = values.every((value) => value === null || (value !== '' && Number.isFinite(Number(value))))
  return { key: `${kind}.${name}`, label: name, values: numbers ? values.map((value) => (value === null ? null : Number(value))) : values }
}

function CompareCurves({ project, runs, everyone, metrics }: { project: string; runs: TrackedRun[]; everyone: TrackedRun[]; metrics: string[] }) {
  const [view, change] = useView()
  const chosen = listOf(view['metrics']).length > 0 ? listOf(view['metrics']) : metrics.slice(0, 2)
  const ids = runs.map((run) => run.id)
  const labels = useMemo(() => new Map(everyone.map((run) => [run.id, run.name])), [everyone])
  const queries = useQueries({ queries: chosen.map((metric) => ({ queryKey: [project, 'runs', 'curves', metric, ids], queryFn: () => post<{ curves: Curve[] }>(inProject(project, '/runs/curves'), { runs: ids, metric, buckets: 500 }) })) })
  return (
    <>
      <MultiSelect size="xs" aria-label="Metrics" placeholder="Metrics" searchable limit={60} data={metrics} value={chosen} onChange={(list) => change({ metrics: textOf(list) })} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        {chosen.map((metric, index) => {
          const query = queries[index]
          return query && <Loaded key={metric} query={query}>{({ curves }) => <Lines title={metric} curves={curves} labels={labels} {...drawnAs(view)} />}</Loaded>
        })}
      </SimpleGrid>
    </>
  )
}

function Differences({ runs, everything }: { runs: TrackedRun[]; everything: boolean }) {
  const project = useProject()
  const columns = runs.slice(0, MOST_COLUMNS)
  const section = (title: string, of: (run: TrackedRun) => { [key: string]: string | number }) => {
    const keys = [...new Set(runs.flatMap((run) => Object.keys(of(run))))].filter((key) => everything || new Set(runs.map((run) => of(run)[key])).size > 1).sort()
    return keys.length === 0 ? [] : [
      <Table.Tr key={title}><Table.Th colSpan={columns.length + 1}>{title}</Table.Th></Table.Tr>,
      ...keys.map((key) => (
        <Table.Tr key={title + key}><Table.Td className="sticky">{key}</Table.Td>{columns.map((run) => {
          const value = of(run)[key]
          return <Table.Td key={run.id} ta="right">{typeof value === 'number' ? number(value, 5) : (value ?? '').slice(0, 80)}</Table.Td>
        })}</Table.Tr>)),
    ]
  }
  const tags = (run: TrackedRun) => Object.fromEntries(Object.entries(run.tags).filter(([key]) => !key.startsWith('mlflow.')))
  return (
    <ScrollArea>
      {runs.length > MOST_COLUMNS && <Text size="xs" c="dimmed">The first {MOST_COLUMNS} runs are shown; differences are looked for in all of them.</Text>}
      <Table>
        <Table.Thead><Table.Tr><Table.Th className="sticky" />{columns.map((run) => <Table.Th key={run.id} ta="right"><To to={`/ui/${project}/experiments/${run.id}`}>{run.name}</To></Table.Th>)}</Table.Tr></Table.Thead>
        <Table.Tbody>{section('Params', (run) => run.params)}{section('Metrics', (run) => run.metrics)}{section('Tags', tags)}</Table.Tbody>
      </Table>
    </ScrollArea>
  )
}
