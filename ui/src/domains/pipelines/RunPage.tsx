import { layout, Graph } from '@dagrejs/dagre'
import { Button, Code, Group, Progress, SimpleGrid, Stack, Table, Text, useComputedColorScheme } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Background, Controls, Handle, Position, ReactFlow, type Edge, type Node, type NodeProps } from '@xyflow/react'
import '@xyflow/react/dist/style.css'
import { useEffect, useMemo, useState } from 'react'
import { get, inProject, post } from '../../api/client'
import type { PipelineRunView, StepRun } from '../../api/types'
import { useName, useProject } from '../../project'
import { duration, short } from '../../ui/format'
import { Page, To } from '../../ui/page'
import { Ago, Loaded, State } from '../../ui/states'
import { pageOf } from '../home/Home'
import { progressOf } from './progress'

type StepNode = Node<{ step: StepRun; chosen: boolean; onPick: (name: string) => void }, 'step'>

function StepBox({ data }: NodeProps<StepNode>) {
  const { step, chosen, onPick } = data
  return (
    <button type="button" className={`step ${step.state} ${chosen ? 'chosen' : ''}`} onClick={() => onPick(step.name)}>
      <Handle type="target" position={Position.Left} style={{ opacity: 0 }} />
      <div style={{ fontWeight: 600, fontSize: 13 }}>{step.name}</div>
      <div style={{ fontSize: 11, opacity: 0.75 }}>{step.state.toLowerCase()}{step.cached ? ', cached' : ''}{step.startedAt ? `, ${duration(step.startedAt, step.finishedAt)}` : ''}</div>
      <Handle type="source" position={Position.Right} style={{ opacity: 0 }} />
    </button>
  )
}

const NODE_TYPES = { step: StepBox }
const WIDTH = 170
const HEIGHT = 54

function graphOf(view: PipelineRunView, chosen: string, onPick: (name: string) => void): { nodes: StepNode[]; edges: Edge[] } {
  const graph = new Graph()
  graph.setGraph({ rankdir: 'LR', nodesep: 14, ranksep: 60 })
  graph.setDefaultEdgeLabel(() => ({}))
  view.steps.forEach((step) => graph.setNode(step.name, { width: WIDTH, height: HEIGHT }))
  const edges: Edge[] = []
  for (const definition of view.pipeline.steps) {
    for (const target of view.steps.filter((step) => step.step === definition.name)) {
      for (const source of view.steps.filter((step) => definition.needs.includes(step.step))) {
        graph.setEdge(source.name, target.name)
        edges.push({ id: `${source.name}-${target.name}`, source: source.name, target: target.name, animated: target.state === 'RUNNING' })
      }
    }
  }
  layout(graph)
  const nodes = view.steps.map((step): StepNode => {
    const place = graph.node(step.name) as { x: number; y: number }
    return { id: step.name, type: 'step', position: { x: place.x - WIDTH / 2, y: place.y - HEIGHT / 2 }, data: { step, chosen: step.name === chosen, onPick } }
  })
  return { nodes, edges }
}

export function RunPage() {
  const project = useProject()
  const id = useName('run')
  const navigate = useNavigate()
  const queries = useQueryClient()
  const search: { step?: string } = useSearch({ strict: false })
  const query = useQuery({
    queryKey: [project, 'pipeline-runs', id],
    queryFn: () => get<PipelineRunView>(inProject(project, `/pipeline-runs/${id}`)),
    refetchInterval: (state) => (state.state.data?.run.state === 'RUNNING' ? 1500 : false),
  })
  const act = useMutation({
    mutationFn: (what: 'cancel' | 'resume') => post(inProject(project, `/pipeline-runs/${id}/${what}`)),
    onSuccess: () => queries.invalidateQueries({ queryKey: [project, 'pipeline-runs'] }),
  })
  const pick = (step: string) => void navigate({ to: '.', search: { step } })
  return (
    <Loaded query={query}>
      {(view) => {
        const step = view.steps.find((candidate) => candidate.name === search.step) ?? view.steps.find((candidate) => candidate.state === 'FAILED') ?? view.steps[0]
        return (
          <Page path={[{ label: 'Pipelines', to: `/ui/${project}/pipelines` }]} title={`${view.run.pipeline} ${short(id)}`} status={<State value={view.run.state} />}
            action={view.run.state === 'RUNNING' ? <Button color="red" variant="light" onClick={() => act.mutate('cancel')}>Cancel run</Button>
              : view.run.state !== 'SUCCEEDED' ? <Button onClick={() => act.mutate('resume')}>Resume from last finished step</Button> : undefined}
            chain={<>started <Ago time={view.run.createdAt} /> {view.run.cause ? <>because of <To to={pageOf(project, view.run.cause)}>{view.run.cause}</To></> : `by ${view.run.actor}`}, took {duration(view.run.createdAt, view.run.finishedAt)}</>}>
            {view.run.error && <Text c="red">{view.run.error}</Text>}
            <RunGraph view={view} chosen={step?.name ?? ''} onPick={pick} />
            {step && <StepDetail project={project} run={id} step={step} />}
          </Page>
        )
      }}
    </Loaded>
  )
}

function RunGraph({ view, chosen, onPick }: { view: PipelineRunView; chosen: string; onPick: (name: string) => void }) {
  const { nodes, edges } = useMemo(() => graphOf(view, chosen, onPick), [view, chosen, onPick])
  return (
    <div style={{ height: 360, border: '1px solid var(--mantine-color-default-border)', borderRadius: 8 }}>
      <ReactFlow colorMode={useComputedColorScheme()} nodes={nodes} edges={edges} nodeTypes={NODE_TYPES} fitView nodesDraggable={false} nodesConnectable={false} proOptions={{ hideAttribution: false }}>
        <Background gap={20} />
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  )
}

function StepDetail({ project, run, step }: { project: string; run: string; step: StepRun }) {
  return (
    <Stack gap="xs">
      <Group gap="sm"><Text fw={600}>{step.name}</Text><State value={step.state} /><Text size="sm" c="dimmed">attempt {step.attempt}</Text></Group>
      {step.error && <Text c="red" size="sm">{step.error}</Text>}
      <StepLog key={step.name} project={project} run={run} step={step.name} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Values title="Inputs" values={step.inputs} />
        <Values title="Outputs" values={step.outputs} />
      </SimpleGrid>
    </Stack>
  )
}

function Values({ title, values }: { title: string; values: { [key: string]: unknown } }) {
  const entries = Object.entries(values)
  return (
    <div>
      <Text size="sm" fw={600}>{title}</Text>
      {entries.length === 0 ? <Text size="sm" c="dimmed">none</Text> : (
        <Table><Table.Tbody>{entries.map(([key, value]) => (
          <Table.Tr key={key}><Table.Td>{key}</Table.Td><Table.Td><Code style={{ wordBreak: 'break-all' }}>{JSON.stringify(value).slice(0, 400)}</Code></Table.Td></Table.Tr>))}
        </Table.Tbody></Table>)}
    </div>
  )
}

/** Follows a step's log while it grows. */
function StepLog({ project, run, step }: { project: string; run: string; step: string }) {
  const [text, setText] = useState('')
  useEffect(() => {
    const source = new EventSource(`/api/tidemill/v1${inProject(project, `/pipeline-runs/${run}/steps/${encodeURIComponent(step)}/log/stream`)}`)
    source.addEventListener('log', (event) => setText((before) => before + (event as MessageEvent<string>).data + '\n'))
    source.addEventListener('end', () => source.close())
    return () => source.close()
  }, [project, run, step])
  const far = progressOf(text)
  return (
    <>
      {far !== undefined && <Progress value={100 * far} size="sm" aria-label={`progress of ${step}`} />}
      <div className="log" aria-label={`log of ${step}`} tabIndex={0}>{text || 'The step has printed nothing.'}</div>
    </>
  )
}
