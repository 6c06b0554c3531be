import { ActionIcon, Autocomplete, Button, Group, Menu, Modal, MultiSelect, Popover, SegmentedControl, Select, Stack, Text, TextInput, Tooltip } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useMemo, useRef, useState } from 'react'
import { get, inProject, post, remove } from '../../api/client'
import type { Experiment, RunNames, RunPage, SavedView } from '../../api/types'
import { useProject } from '../../project'
import { AsCode } from '../../ui/code'
import { Page } from '../../ui/page'
import { Empty, Loaded } from '../../ui/states'
import { listOf, textOf, useView } from '../../ui/view'
import { allColumns, column, completions, searchKey, usualColumns } from './columns'
import { type RunQuery, RunTable } from './RunTable'

/** Every run of the project: filtered, ordered and grouped by the server, all of it in the address. */
export function Runs() {
  const project = useProject()
  const [view, change] = useView()
  const experiments = useQuery({ queryKey: [project, 'experiments'], queryFn: () => get<{ experiments: Experiment[] }>(inProject(project, '/experiments')) })
  const [typed, setTyped] = useState(view['filter'] ?? '')
  const [filter] = useDebouncedValue(typed, 300)
  useEffect(() => change({ filter }), [filter, change])
  const group = view['group']
  const order = listOf(view['order'])
  const query: RunQuery = useMemo(() => ({
    experiments: listOf(view['experiments']), filter: view['filter'] ?? '', lifecycle: view['lifecycle'] ?? 'active',
    order: [...(group ? [`${searchKey(group)} ASC`] : []), ...order],
  }), [view['experiments'], view['filter'], view['lifecycle'], view['order'], group])
  const count = useQuery({ queryKey: [project, 'runs', 'count', query], queryFn: () => post<RunPage>(inProject(project, '/runs/search'), { ...query, limit: 1, count: true }), retry: false, placeholderData: (before) => before })
  const names = useQuery({ queryKey: [project, 'runs', 'names', query.experiments], queryFn: () => post<RunNames>(inProject(project, '/runs/names'), { experiments: query.experiments }), staleTime: 30_000 })
  const labels = useMemo(() => new Map(experiments.data?.experiments.map((entry) => [entry.id, entry.name])), [experiments.data])
  const keys = view['columns'] === undefined ? usualColumns(names.data, experiments.data?.experiments) : listOf(view['columns'])
  const columns = useMemo(() => keys.map((key) => column(key, labels)), [keys.join('\n'), labels])
  const [selected, setSelected] = useState(new Set<string>())
  useEffect(() => setSelected(new Set()), [query.filter, query.lifecycle, query.experiments])
  const input = useRef<HTMLInputElement>(null)
  const total = count.data?.total ?? 0
  return (
    <Page title="Experiments" action={<Group gap="xs"><Views project={project} /><AsCode samples={samples(project, query)} /></Group>}>
      <Group gap="xs" align="flex-start">
        <MultiSelect size="xs" w={230} placeholder={query.experiments.length ? '' : 'All experiments'} aria-label="Experiments" searchable clearable maxDropdownHeight={320}
          data={experiments.data?.experiments.map((entry) => ({ value: String(entry.id), label: entry.name })) ?? []} value={query.experiments} onChange={(list) => change({ experiments: textOf(list) })} />
        <Autocomplete ref={input} data-filter size="xs" style={{ flex: 1, minWidth: 260 }} aria-label="Filter" placeholder="Filter, such as metrics.loss < 0.2 AND params.depth = '4'" value={typed} onChange={setTyped}
          data={completions(typed, names.data)} filter={({ options }) => options} error={count.error?.message} comboboxProps={{ position: 'bottom-start' }} />
        <SegmentedControl size="xs" aria-label="Lifecycle" data={[{ value: 'active', label: 'Active' }, { value: 'deleted', label: 'Deleted' }]} value={query.lifecycle} onChange={(value) => change({ lifecycle: value === 'active' ? undefined : value })} />
        <Select size="xs" w={150} aria-label="Group by" placeholder="Group by" clearable searchable data={allColumns(names.data).slice(2)} value={group ?? null} onChange={(value) => change({ group: value ?? undefined })} />
        <Popover position="bottom-end" width={360} shadow="md">
          <Popover.Target><Button size="xs" variant="default">Columns</Button></Popover.Target>
          <Popover.Dropdown>
            <Stack gap="xs">
              <MultiSelect size="xs" label="Shown columns, in this order" searchable clearable limit={60} comboboxProps={{ withinPortal: false }} data={allColumns(names.data)} value={keys} onChange={(list) => change({ columns: textOf(list) ?? ' ' })} />
              <Button size="xs" variant="subtle" onClick={() => change({ columns: undefined })}>Usual columns</Button>
            </Stack>
          </Popover.Dropdown>
        </Popover>
      </Group>
      <Loaded query={count}>
        {() => total === 0 && !query.filter && query.experiments.length === 0 && query.lifecycle === 'active'
          ? <Empty text="No run yet." command={`export MLFLOW_TRACKING_URI=${window.location.origin}`} />
          : (
            <>
              <Selection project={project} query={query} total={total} selected={selected} onSelect={setSelected} />
              {total === 0 ? <Empty text="No run matches." /> : <RunTable project={project} query={query} total={total} columns={columns} group={group ? column(group, labels) : undefined} selected={selected} onSelect={setSelected} onOrder={(next) => change({ order: textOf(next) })} />}
            </>)}
      </Loaded>
    </Page>
  )
}

function samples(project: string, query: RunQuery) {
  const ids = query.experiments.length ? query.experiments : ['0']
  return {
    Python: `import mlflow\n\nmlflow.set_tracking_uri("${window.location.origin}")\nruns = mlflow.search_runs(\n    experiment_ids=${JSON.stringify(ids)},\n    filter_string=${JSON.stringify(query.filter)},\n    order_by=${JSON.stringify(query.order)},\n)`,
    curl: `curl -s ${window.location.origin}/api/tidemill/v1/projects/${project}/runs/search \\\n  -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(query).replaceAll("'", `'\\''`)}'`,
    'Command line': `tidemill runs list -p ${project}${query.filter ? ` --filter ${JSON.stringify(query.filter)}` : ''}${query.order[0] ? ` --order ${JSON.stringify(query.order[0])}` : ''}`,
  }
}

/** What can be done to the chosen runs, or to all that the filter finds. */
function Selection({ project, query, total, selected, onSelect }: { project: string; query: RunQuery; total: number; selected: Set<string>; onSelect: (runs: Set<string>) => void }) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [all, setAll] = useState(false)
  const [asked, setAsked] = useState<'tag' | 'delete' | undefined>()
  const [name, setName] = useState('')
  const [value, setValue] = useState('')
  useEffect(() => setAll(false), [selected, query])
  const which = all ? { ...query } : { runs: [...selected] }
  const act = useMutation({
    mutationFn: (body: object) => post<{ changed: number }>(inProject(project, '/runs/bulk'), { ...which, ...body }),
    onSuccess: () => {
      setAsked(undefined)
      onSelect(new Set())
      void queries.invalidateQueries({ queryKey: [project, 'runs'] })
    },
  })
  const many = all ? total : selected.size
  const compare = () => void navigate({ to: `/ui/${project}/experiments/compare`, search: all ? { filter: query.filter, experiments: textOf(query.experiments), order: textOf(query.order) } : { runs: textOf([...selected]) } })
  return (
    <Group gap="sm" h={28}>
      <Text size="sm" c="dimmed" className="tabular">{total.toLocaleString('en')} runs{many > 0 && `, ${many.toLocaleString('en')} selected`}</Text>
      {many === 0 ? <Button size="compact-xs" variant="subtle" disabled={total === 0} onClick={() => setAll(true)}>Select all {total.toLocaleString('en')}</Button> : (
        <>
          {!all && selected.size < total && <Button size="compact-xs" variant="subtle" onClick={() => setAll(true)}>Select all {total.toLocaleString('en')}</Button>}
          <Button size="compact-xs" onClick={compare}>Compare{many > 1000 ? ' the first 1,000' : ''}</Button>
          <Button size="compact-xs" variant="default" onClick={() => setAsked('tag')}>Tag</Button>
          {query.lifecycle === 'deleted' ? <Button size="compact-xs" variant="default" loading={act.isPending} onClick={() => act.mutate({ action: 'restore' })}>Restore</Button> : <Button size="compact-xs" variant="default" onClick={() => setAsked('delete')}>Delete</Button>}
          <Button size="compact-xs" variant="subtle" onClick={() => { setAll(false); onSelect(new Set()) }}>Clear</Button>
        </>)}
      {act.data && !act.isPending && many === 0 && <Text size="sm" c="dimmed">{act.data.changed.toLocaleString('en')} runs changed</Text>}
      <Modal opened={asked !== undefined} onClose={() => setAsked(undefined)} title={asked === 'tag' ? `Tag ${many.toLocaleString('en')} runs` : `Delete ${many.toLocaleString('en')} runs`}>
        <Stack>
          {asked === 'tag'
            ? <Group grow><TextInput label="Tag" value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus /><TextInput label="Value" value={value} onChange={(event) => setValue(event.currentTarget.value)} /></Group>
            : <Text size="sm">They can be restored from Deleted, until a retention policy removes them.</Text>}
          {act.error && <Text c="red" size="sm">{act.error.message}</Text>}
          <Button color={asked === 'delete' ? 'red' : 'blue'} loading={act.isPending} disabled={asked === 'tag' && !name} onClick={() => act.mutate(asked === 'tag' ? { action: 'tag', name, value } : { action: 'delete' })}>{asked === 'tag' ? 'Set tag' : 'Delete runs'}</Button>
        </Stack>
      </Modal>
    </Group>
  )
}

/** Named addresses of this page. */
function Views({ project }: { project: string }) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const views = useQuery({ queryKey: [project, 'views'], queryFn: () => get<{ views: SavedView[] }>(inProject(project, '/views')) })
  const [name, setName] = useState('')
  const done = () => { setName(''); void queries.invalidateQueries({ queryKey: [project, 'views'] }) }
  const save = useMutation({ mutationFn: () => post(inProject(project, '/views'), { name, address: window.location.pathname.replace(`/ui/${project}`, '') + window.location.search }), onSuccess: done })
  const drop = useMutation({ mutationFn: (which: string) => remove(inProject(project, `/views/${encodeURIComponent(which)}`)), onSuccess: done })
  return (
    <Menu width={280} position="bottom-end" closeOnItemClick={false}>
      <Menu.Target><Button size="xs" variant="default">Views</Button></Menu.Target>
      <Menu.Dropdown>
        {(views.data?.views ?? []).map((entry) => (
          <Group key={entry.name} wrap="nowrap" gap={4}>
            <Menu.Item onClick={() => void navigate({ href: `/ui/${project}${entry.address}` })}>{entry.name}</Menu.Item>
            <Tooltip label="Forget this view"><ActionIcon size="sm" variant="subtle" color="gray" aria-label={`Forget ${entry.name}`} onClick={() => drop.mutate(entry.name)}>×</ActionIcon></Tooltip>
          </Group>))}
        {views.data?.views.length === 0 && <Menu.Label>No view is saved yet</Menu.Label>}
        <Menu.Divider />
        <Group gap={6} p={6} wrap="nowrap"><TextInput size="xs" placeholder="Name of this view" aria-label="Name of this view" value={name} onChange={(event) => setName(event.currentTarget.value)} /><Button size="xs" disabled={!name} onClick={() => save.mutate()}>Save</Button></Group>
      </Menu.Dropdown>
    </Menu>
  )
}
