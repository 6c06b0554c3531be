import type { Experiment, RunNames, TrackedRun } from '../../api/types'
import { duration, number } from '../../ui/format'

/** A column of the table of runs. Its key is what filters and orders call it. */
export interface Column { key: string; label: string; width: number; numeric: boolean; sortable: boolean; text: (run: TrackedRun) => string }

/** Quotes a name for the filter grammar where it holds more than letters, digits and underscores. */
export const quoted = (name: string): string => (/^\w+$/.test(name) ? name : `\`${name}\``)

const FIXED: Column[] = [
  { key: 'run_name', label: 'Run', width: 190, numeric: false, sortable: true, text: (run) => run.name },
  { key: 'status', label: 'Status', width: 110, numeric: false, sortable: true, text: (run) => run.status },
  { key: 'start_time', label: 'Started', width: 110, numeric: false, sortable: true, text: (run) => run.startedAt },
  { key: 'duration', label: 'Took', width: 90, numeric: true, sortable: false, text: (run) => duration(run.startedAt, run.endedAt) },
]

/** The column of a key such as `metrics.loss`. */
export function column(key: string, experiments: Map<number, string>): Column {
  const fixed = FIXED.find((candidate) => candidate.key === key)
  if (fixed) return fixed
  if (key === 'experiment') return { key, label: 'Experiment', width: 140, numeric: false, sortable: false, text: (run) => experiments.get(run.experimentId) ?? String(run.experimentId) }
  const dot = key.indexOf('.')
  const [kind, name] = [key.slice(0, dot), key.slice(dot + 1)]
  const entity = kind === 'tag' ? 'tags' : kind === 'param' ? 'params' : 'metrics'
  return {
    key, label: name, width: kind === 'metric' ? 120 : 130, numeric: kind === 'metric', sortable: true,
    text: (run) => (entity === 'metrics' ? (run.metrics[name] === undefined ? '' : number(run.metrics[name], 5)) : run[entity][name] ?? ''),
  }
}

/** What an order or a filter calls a column. */
export function searchKey(key: string): string {
  const dot = key.indexOf('.')
  return dot < 0 ? key : `${key.slice(0, dot) === 'tag' ? 'tags' : key.slice(0, dot) === 'param' ? 'params' : 'metrics'}.${quoted(key.slice(dot + 1))}`
}

const shown = (tag: string): boolean => !tag.startsWith('mlflow.') && !tag.startsWith('pipeline.')

/** Keys of every column there is, of a project's names. */
export function allColumns(names: RunNames | undefined): { group: string; items: { value: string; label: string }[] }[] {
  const items = (kind: string, list: string[] | undefined) => (list ?? []).map((name) => ({ value: `${kind}.${name}`, label: name }))
  return [
    { group: 'Run', items: [{ value: 'experiment', label: 'Experiment' }, ...FIXED.slice(1).map(({ key, label }) => ({ value: key, label }))] },
    { group: 'Metrics', items: items('metric', names?.metrics) },
    { group: 'Params', items: items('param', names?.params) },
    { group: 'Tags', items: items('tag', names?.tags) },
  ]
}

/** What is shown where nobody has chosen: a few metrics and params, whatever they are called. */
export function usualColumns(names: RunNames | undefined, experiments: Experiment[] | undefined): string[] {
  return [
    ...((experiments?.length ?? 0) > 1 ? ['experiment'] : []), 'status', 'start_time', 'duration',
    ...(names?.metrics ?? []).slice(0, 6).map((name) => `metric.${name}`),
    ...(names?.params ?? []).slice(0, 6).map((name) => `param.${name}`),
    ...(names?.tags ?? []).filter(shown).slice(0, 2).map((name) => `tag.${name}`),
  ]
}

/** What may follow in a filter that is being typed. */
export function completions(filter: string, names: RunNames | undefined): string[] {
  const start = /(?:^|\s)and\s+\S*$|^\S*$/i.exec(filter)
  if (!start) return /\s(?:=|!=|<|>|<=|>=|like|ilike)\s+(?:'[^']*'|[-\d.e]+)\s+\S*$/i.test(filter) ? [`${filter.replace(/\S*$/, '')}AND `] : []
  const typed = (/\S*$/.exec(filter)?.[0] ?? '').toLowerCase()
  const head = filter.slice(0, filter.length - typed.length)
  const keys = [
    ...(names?.metrics ?? []).map((name) => `metrics.${quoted(name)} < `), ...(names?.params ?? []).map((name) => `params.${quoted(name)} = '`),
    ...(names?.tags ?? []).map((name) => `tags.${quoted(name)} = '`), "status = '", "run_name LIKE '%", 'start_time > ', "dataset.name = '",
  ]
  return keys.filter((key) => key.toLowerCase().includes(typed)).slice(0, 12).map((key) => head + key)
}
