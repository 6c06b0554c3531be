/** A declared inference graph, as the server writes it. */
export type GraphNode =
  | { model: string }
  | { sequence: GraphNode[]; pass: 'response' | 'both' }
  | { switch: { name: string; when?: Condition; then: GraphNode }[] }
  | { split: { name: string; weight: number; to: GraphNode }[]; by?: string }
  | { ensemble: GraphNode[]; combine: string; weights?: number[] }

export interface Condition { column: string; in?: unknown[]; below?: number; 'at-least'?: number; missing?: boolean }

export interface Box { id: string; label: string; model?: { name: string; version: string } }
export interface Line { id: string; source: string; target: string; label: string }

/** A condition in a few words. */
export function told(when: Condition | undefined): string {
  if (!when) return 'else'
  if (when.in) return `${when.column} ${when.in.length === 1 ? 'is' : 'is one of'} ${when.in.join(', ')}`
  if (when.below !== undefined) return `${when.column} < ${when.below}`
  if (when['at-least'] !== undefined) return `${when.column} ≥ ${when['at-least']}`
  return `${when.column} is missing`
}

/** Boxes and the lines between them, from the request on the left to the answer on the right. */
export function drawn(graph: GraphNode): { boxes: Box[]; lines: Line[] } {
  const boxes: Box[] = []
  const lines: Line[] = []
  const box = (label: string, model?: { name: string; version: string }): string => {
    const id = String(boxes.length)
    boxes.push({ id, label, ...(model ? { model } : {}) })
    return id
  }
  const connect = (from: From[], target: string) => from.forEach(({ box: source, label }) => lines.push({ id: String(lines.length), source, target, label }))
  const add = (node: GraphNode, from: From[]): From[] => {
    if ('model' in node) {
      const [name = '', version = ''] = node.model.split(/[/@]/)
      const id = box(node.model, { name, version })
      connect(from, id)
      return [{ box: id, label: '' }]
    }
    if ('sequence' in node) return node.sequence.reduce((ends, part) => add(part, ends), from)
    if ('ensemble' in node) {
      const ends = node.ensemble.flatMap((member, i) => add(member, from).map((end) => ({ ...end, label: node.weights ? `× ${node.weights[i] ?? ''}` : end.label })))
      const id = box(node.combine)
      connect(ends, id)
      return [{ box: id, label: '' }]
    }
    const id = box('switch' in node ? 'switch' : node.by ? `split by ${node.by}` : 'split')
    connect(from, id)
    if ('switch' in node) return node.switch.flatMap((branch) => add(branch.then, [{ box: id, label: told(branch.when) }]))
    const total = node.split.reduce((sum, share) => sum + share.weight, 0)
    return node.split.flatMap((share) => add(share.to, [{ box: id, label: `${Math.round((100 * share.weight) / total)} %` }]))
  }
  const ends = add(graph, [{ box: box('request'), label: '' }])
  connect(ends, box('answer'))
  return { boxes, lines }
}

interface From { box: string; label: string }
