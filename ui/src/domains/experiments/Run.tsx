import { Button, Code, CopyButton, Group, ScrollArea, SimpleGrid, Table, Tabs, Text, TextInput, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { get, inProject, post } from '../../api/client'
import type { Curve, Experiment, Recipe, TrackedRun } from '../../api/types'
import { useName, useProject } from '../../project'
import { AsCode } from '../../ui/code'
import { duration, number, short } from '../../ui/format'
import { drawnAs, LineControls, Lines } from '../../ui/lines'
import { Chain, Page, To } from '../../ui/page'
import { Ago, Command, Empty, Loaded, State } from '../../ui/states'
import { useView } from '../../ui/view'
import { Artifacts } from './Artifacts'

export function TrackedRunPage() {
  const project = useProject()
  const id = useName('run')
  const [view, change] = useView()
  const query = useQuery({ queryKey: [project, 'runs', id], queryFn: () => get<TrackedRun>(inProject(project, `/runs/${id}`)), refetchInterval: (state) => (state.state.data?.status === 'RUNNING' ? 3000 : false) })
  const experiments = useQuery({ queryKey: [project, 'experiments'], queryFn: () => get<{ experiments: Experiment[] }>(inProject(project, '/experiments')) })
  return (
    <Loaded query={query}>
      {(run) => {
        const data = run.tags['data']
        const pipelineRun = run.tags['pipeline.run']
        const parent = run.tags['mlflow.parentRunId']
        const group = experiments.data?.experiments.find((entry) => entry.id === run.experimentId)
        const tabs: [string, string, React.ReactNode][] = [
          ['overview', 'Overview', <Overview key="o" project={project} run={run} />],
          ['curves', 'Curves', <Curves key="c" project={project} run={run} />],
          ['artifacts', 'Artifacts', <Artifacts key="a" project={project} run={run} />],
          ['data', 'Data', <DataUsed key="d" run={run} />],
          ['reproduce', 'Reproduce', <Reproduce key="r" project={project} run={run} />],
        ]
        return (
          <Page path={[{ label: 'Experiments', to: `/ui/${project}/experiments` }, { label: group?.name ?? `experiment ${run.experimentId}`, to: `/ui/${project}/experiments?experiments=%22${run.experimentId}%22` }]} title={run.name || `Run ${short(run.id)}`}
            status={<Group gap={8}><State value={run.status} />{run.deleted && <State value="DELETED" />}<CopyButton value={run.id}>{({ copied, copy }) => <Button size="compact-xs" variant="subtle" color="gray" onClick={copy}>{copied ? 'copied' : run.id.slice(0, 8)}</Button>}</CopyButton></Group>}
            action={<AsCode samples={{ Python: `import mlflow\n\nmlflow.set_tracking_uri("${window.location.origin}")\nrun = mlflow.get_run("${run.id}")`, curl: `curl -s '${window.location.origin}/api/2.0/mlflow/runs/get?run_id=${run.id}' -H 'X-MLFLOW-WORKSPACE: ${project}'`, 'Command line': `tidemill runs show ${run.id} -p ${project}` }} />}
            chain={<Chain links={[data ? { label: data, to: `/ui/${project}/data/${data.split('@')[0] ?? ''}` } : undefined, pipelineRun ? { label: `pipeline run ${short(pipelineRun)}`, to: `/ui/${project}/pipelines/runs/${pipelineRun}` } : undefined, parent ? { label: `parent run ${parent.slice(0, 8)}`, to: `/ui/${project}/experiments/${parent}` } : undefined, { label: `run ${run.id.slice(0, 8)}`, to: `/ui/${project}/experiments/${run.id}` }, { label: 'its children', to: `/ui/${project}/experiments?filter=${encodeURIComponent(`tags.mlflow.parentRunId = '${run.id}'`)}` }, { label: 'models', to: `/ui/${project}/models` }]} />}>
            <Tabs value={view['tab'] ?? 'overview'} onChange={(tab) => change({ tab: tab === 'overview' ? undefined : tab ?? undefined })} keepMounted={false}>
              <Tabs.List>{tabs.map(([value, label]) => <Tabs.Tab key={value} value={value}>{label}</Tabs.Tab>)}</Tabs.List>
              {tabs.map(([value, , content]) => <Tabs.Panel key={value} value={value} pt="md">{content}</Tabs.Panel>)}
            </Tabs>
          </Page>
        )
      }}
    </Loaded>
  )
}

function Overview({ project, run }: { project: string; run: TrackedRun }) {
  const note = run.tags['mlflow.note.content']
  return (
    <>
      <Text size="sm" c="dimmed">started <Ago time={run.startedAt} />, took {duration(run.startedAt, run.endedAt)}{run.user && `, by ${run.user}`}{run.modelDigest && <>, model <Code>{run.modelDigest.slice(0, 12)}</Code></>}</Text>
      {note && <Text mt="sm" style={{ whiteSpace: 'pre-wrap' }}>{note}</Text>}
      <SimpleGrid cols={{ base: 1, md: 2 }} mt="md">
        <Facts title="Metrics" facts={Object.fromEntries(Object.entries(run.metrics).map(([key, value]) => [key, number(value, 6)]))} />
        <Facts title="Parameters" facts={run.params} />
        <Facts title="Tags" facts={Object.fromEntries(Object.entries(run.tags).filter(([key]) => !['mlflow.runName', 'mlflow.note.content', 'mlflow.log-model.history'].includes(key)))} />
        {run.models.length > 0 && <Facts title="Models" facts={Object.fromEntries(run.models.map((model) => [model.modelId, model.output ? 'made by it' : 'read by it']))} />}
      </SimpleGrid>
      <Text size="xs" c="dimmed" mt="sm">project {project}, artifacts at <Code>{run.artifacts}</Code></Text>
    </>
  )
}

function Facts({ title, facts }: { title: string; facts: { [key: string]: string } }) {
  const [wanted, setWanted] = useState('')
  const entries = Object.entries(facts)
  const shown = entries.filter(([key]) => key.toLowerCase().includes(wanted.toLowerCase()))
  return (
    <div>
      <Group justify="space-between"><Title order={3} fz={16}>{title} <Text span c="dimmed" size="sm">{entries.length.toLocaleString('en')}</Text></Title>{entries.length > 12 && <TextInput size="xs" aria-label={`Find in ${title}`} placeholder="Find" value={wanted} onChange={(event) => setWanted(event.currentTarget.value)} />}</Group>
      <ScrollArea.Autosize mah={420}><Table><Table.Tbody>{shown.slice(0, 500).map(([key, value]) => <Table.Tr key={key}><Table.Td>{key}</Table.Td><Table.Td ta="right" style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td></Table.Tr>)}</Table.Tbody></Table></ScrollArea.Autosize>
      {shown.length > 500 && <Text size="xs" c="dimmed">The first 500 are shown; find narrows them down.</Text>}
      {entries.length === 0 && <Text size="sm" c="dimmed">None.</Text>}
    </div>
  )
}

const MOST_CHARTS = 24

function Curves({ project, run }: { project: string; run: TrackedRun }) {
  const [view, change] = useView()
  const wanted = view['find'] ?? ''
  const names = Object.keys(run.metrics).filter((name) => name.toLowerCase().includes(wanted.toLowerCase()))
  const shown = names.slice(0, MOST_CHARTS)
  const query = useQuery({
    queryKey: [project, 'runs', run.id, 'curves', shown], refetchInterval: run.status === 'RUNNING' ? 3000 : false,
    queryFn: async () => Promise.all(shown.map(async (metric) => (await post<{ curves: Curve[] }>(inProject(project, '/runs/curves'), { runs: [run.id], metric })).curves)),
  })
  const labels = useMemo(() => new Map([[run.id, run.name]]), [run.id, run.name])
  if (Object.keys(run.metrics).length === 0) return <Empty text="No metric has been logged." command={`mlflow.log_metric("loss", 0.1, step=1)`} />
  return (
    <>
      <Group justify="space-between" mb="md"><LineControls view={view} change={change} /><TextInput size="xs" aria-label="Find a metric" placeholder="Find a metric" defaultValue={wanted} onChange={(event) => change({ find: event.currentTarget.value })} /></Group>
      <Loaded query={query}>
        {(all) => <SimpleGrid cols={{ base: 1, md: 2, xl: 3 }}>{all.map((curves, index) => <Lines key={shown[index]} title={shown[index] ?? ''} curves={curves} labels={labels} {...drawnAs(view)} height={190} />)}</SimpleGrid>}
      </Loaded>
      {names.length > MOST_CHARTS && <Text size="xs" c="dimmed" mt="sm">{MOST_CHARTS} of {names.length.toLocaleString('en')} metrics are drawn; find narrows them down.</Text>}
    </>
  )
}

function DataUsed({ run }: { run: TrackedRun }) {
  if (run.inputs.length === 0) return <Empty text="The run has not told which data it read." command={'mlflow.log_input(mlflow.data.from_pandas(rows, name="rows"), context="training")'} />
  return (
    <Table>
      <Table.Thead><Table.Tr><Table.Th>Data</Table.Th><Table.Th>For</Table.Th><Table.Th>Digest</Table.Th><Table.Th>Kind</Table.Th><Table.Th>Source</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>{run.inputs.map((input) => <Table.Tr key={input.name + input.digest}><Table.Td>{input.name}</Table.Td><Table.Td>{input.tags['mlflow.data.context'] ?? ''}</Table.Td><Table.Td><Code>{input.digest}</Code></Table.Td><Table.Td>{input.sourceType}</Table.Td><Table.Td style={{ overflowWrap: 'anywhere' }}>{input.source.slice(0, 300)}</Table.Td></Table.Tr>)}</Table.Tbody>
    </Table>
  )
}

function Reproduce({ project, run }: { project: string; run: TrackedRun }) {
  const query = useQuery({ queryKey: [project, 'runs', run.id, 'recipe'], queryFn: () => get<Recipe>(inProject(project, `/runs/${run.id}/recipe`)) })
  return (
    <Loaded query={query}>
      {(recipe) => (
        <>
          <Command text={`tidemill runs reproduce ${run.id} -p ${project}`} />
          <Table mt="md" variant="vertical"><Table.Tbody>
            {([['Program', recipe.source], ['Commit', recipe.commit && `${recipe.commit}${recipe.branch ? ` on ${recipe.branch}` : ''}`], ['Repository', recipe.repository], ['Uncommitted changes', recipe.hasDiff ? 'kept with the run' : 'none kept'], ['Libraries', recipe.environment ?? 'not captured'], ['Seeds', Object.entries(recipe.seeds).map(([key, value]) => `${key} ${value}`).join(', ') || 'none among the parameters'], ['Hardware', Object.entries(recipe.hardware).map(([key, value]) => `${key}: ${value}`).join(', ') || 'not captured']] as const)
              .map(([label, value]) => <Table.Tr key={label}><Table.Th w={180}>{label}</Table.Th><Table.Td>{value ?? 'not captured'}</Table.Td></Table.Tr>)}
          </Table.Tbody></Table>
          {recipe.missing.length > 0 && <Text size="sm" c="dimmed" mt="sm">To make it again one would also need {recipe.missing.join('; ')}.</Text>}
          {recipe.source && <Text size="sm" mt="sm">Other runs of this program: <To to={`/ui/${project}/experiments?filter=${encodeURIComponent(`tags.mlflow.source.name = '${recipe.source}'`)}`}>show</To></Text>}
        </>)}
    </Loaded>
  )
}
