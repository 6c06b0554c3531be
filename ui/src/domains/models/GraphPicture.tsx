import { layout, Graph } from '@dagrejs/dagre'
import { useComputedColorScheme } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Background, Controls, Handle, Position, ReactFlow, type Edge, type Node, type NodeProps } from '@xyflow/react'
import '@xyflow/react/dist/style.css'
import { useMemo } from 'react'
import type { ModelVersion } from '../../api/types'
import { Loaded } from '../../ui/states'
import { drawn, type Box, type GraphNode } from './inferenceGraph'

type PartNode = Node<{ box: Box; onOpen: (box: Box) => void }, 'part'>

function Part({ data: { box, onOpen } }: NodeProps<PartNode>) {
  return (
    <button type="button" className="step" disabled={!box.model} onClick={() => onOpen(box)} style={box.model ? {} : { borderStyle: 'dashed', cursor: 'default' }}>
      <Handle type="target" position={Position.Left} style={{ opacity: 0 }} />
      <div style={{ fontWeight: box.model ? 600 : 400, fontSize: 13 }}>{box.label}</div>
      <Handle type="source" position={Position.Right} style={{ opacity: 0 }} />
    </button>
  )
}

const NODE_TYPES = { part: Part }
const WIDTH = 170
const HEIGHT = 40

function placed(graph: GraphNode, onOpen: (box: Box) => void): { nodes: PartNode[]; edges: Edge[] } {
  const { boxes, lines } = drawn(graph)
  const places = new Graph()
  places.setGraph({ rankdir: 'LR', nodesep: 18, ranksep: 110 })
  places.setDefaultEdgeLabel(() => ({}))
  boxes.forEach((box) => places.setNode(box.id, { width: WIDTH, height: HEIGHT }))
  // What is told of a line stands beside it only if nothing stands in between.
  lines.forEach((line) => places.setEdge(line.source, line.target, { weight: line.label ? 8 : 1 }))
  layout(places)
  return {
    nodes: boxes.map((box): PartNode => {
      const place = places.node(box.id) as { x: number; y: number }
      return { id: box.id, type: 'part', position: { x: place.x - WIDTH / 2, y: place.y - HEIGHT / 2 }, data: { box, onOpen } }
    }),
    edges: lines.map(({ id, source, target, label }) => ({ id, source, target, label, labelShowBg: false, labelStyle: { fontSize: 11, fill: 'var(--mantine-color-text)' } })),
  }
}

/** What an inference graph is made of; a model opens its own page. */
export function GraphPicture({ project, version }: { project: string; version: ModelVersion }) {
  const query = useQuery({
    queryKey: [project, 'graphs', version.folder],
    queryFn: async () => {
      const response = await fetch(`/api/2.0/mlflow-artifacts/artifacts/folders/${version.folder ?? ''}/tidemill/graph.json`, { headers: { 'X-MLFLOW-WORKSPACE': project } })
      if (!response.ok) throw new Error(`The graph could not be read: HTTP ${response.status}`)
      return (await response.json()) as GraphNode
    },
    staleTime: Infinity,
  })
  return <Loaded query={query}>{(graph) => <Picture project={project} graph={graph} />}</Loaded>
}

function Picture({ project, graph }: { project: string; graph: GraphNode }) {
  const navigate = useNavigate()
  const { nodes, edges } = useMemo(() => placed(graph, (box) => void navigate({ to: `/ui/${project}/models/${encodeURIComponent(box.model?.name ?? '')}`, search: { version: Number(box.model?.version) } })), [graph, navigate, project])
  return (
    <div aria-label="Inference graph" style={{ height: 320, border: '1px solid var(--mantine-color-default-border)', borderRadius: 8 }}>
      <ReactFlow colorMode={useComputedColorScheme()} nodes={nodes} edges={edges} nodeTypes={NODE_TYPES} fitView nodesDraggable={false} nodesConnectable={false}>
        <Background gap={20} />
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  )
}
