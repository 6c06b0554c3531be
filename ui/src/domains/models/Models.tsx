import { Alert, Badge, Button, Code, Group, Modal, ScrollArea, Select, SimpleGrid, Stack, Table, Text, Textarea, TextInput, Title } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { first, get, inProject, post, put } from '../../api/client'
import type { DeploymentView, Model, ModelView, ModelVersion } from '../../api/types'
import { useName, useProject } from '../../project'
import { AsCode } from '../../ui/code'
import { date, number, short } from '../../ui/format'
import { Chain, Page, To } from '../../ui/page'
import { Ago, Empty, Loaded, State } from '../../ui/states'
import { useView } from '../../ui/view'
import { GraphPicture } from './GraphPicture'
import { ScoreData } from './ScoreData'
import { TryModel } from './TryModel'

/** Everything of a model that a search may find it by. */
const searched = (model: Model): string =>
  [model.name, model.description, ...Object.entries(model.tags).flat(), ...Object.keys(model.newest?.metrics ?? {}), ...(model.newest?.files?.flavors ?? []), ...(model.newest?.signature.inputs ?? []).flatMap((field) => [field.name, field.type])].join(' ').toLowerCase()

/** Models that the screen reads to find some among them. */
const READ = 5000

/** Rows that the table shows; a browser is slow with more, and nobody reads them. */
const ROWS = 500

export function Models() {
  const project = useProject()
  const [view, change] = useView()
  const query = useQuery({ queryKey: [project, 'models'], queryFn: async () => ({ models: await first<Model>(inProject(project, '/models'), 'models', READ) }) })
  const words = (view['find'] ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  return (
    <Page title="Models" action={<AsCode samples={{ Python: `import mlflow\n\nmlflow.set_tracking_uri("${window.location.origin}")\nmodels = mlflow.search_registered_models()`, 'Command line': `tidemill models list -p ${project}` }} />}>
      <Loaded query={query}>
        {({ models }) => {
          if (models.length === 0) return <Empty text="No model is registered yet." command={`mlflow.register_model("runs:/RUN/model", "my-model")`} />
          const shown = models.filter((model) => { const text = searched(model); return words.every((word) => text.includes(word)) })
          return (
            <>
              <TextInput data-filter size="xs" aria-label="Find a model" placeholder="Find by name, description, task, owner, tag, metric, flavour or input" defaultValue={view['find'] ?? ''} onChange={(event) => change({ find: event.currentTarget.value })} />
              <ScrollArea>
                <Table highlightOnHover>
                  <Table.Thead><Table.Tr><Table.Th>Model</Table.Th><Table.Th>Task</Table.Th><Table.Th>Owner</Table.Th><Table.Th>What it is</Table.Th><Table.Th ta="right">Versions</Table.Th><Table.Th>Aliases</Table.Th><Table.Th>Newest</Table.Th><Table.Th>Files</Table.Th></Table.Tr></Table.Thead>
                  <Table.Tbody>{shown.slice(0, ROWS).map((model) => (
                    <Table.Tr key={model.name}>
                      <Table.Td><To to={`/ui/${project}/models/${encodeURIComponent(model.name)}`}>{model.name}</To></Table.Td><Table.Td>{model.tags['task'] ?? ''}</Table.Td><Table.Td>{model.tags['owner'] ?? ''}</Table.Td>
                      <Table.Td><Text size="sm" lineClamp={1} maw={340}>{model.description}</Text></Table.Td><Table.Td ta="right">{model.versions}</Table.Td><Table.Td><Aliases of={model.aliases} /></Table.Td>
                      <Table.Td>{model.newest && <Text size="sm" c="dimmed" className="tabular">{Object.entries(model.newest.metrics).slice(0, 2).map(([key, value]) => `${key} ${number(value)}`).join(', ')} <Ago time={model.newest.createdAt} /></Text>}</Table.Td>
                      <Table.Td>{model.newest && <Safety version={model.newest} />}</Table.Td>
                    </Table.Tr>))}
                  </Table.Tbody>
                </Table>
              </ScrollArea>
              {shown.length === 0 && <Text c="dimmed" size="sm">No model matches.</Text>}
              {models.length >= READ && <Text c="dimmed" size="sm">{`Looked for among the first ${models.length} models by name. MLflow's search_registered_models looks among all.`}</Text>}
              {shown.length > ROWS && <Text c="dimmed" size="sm">{`The first ${ROWS} of ${shown.length} by name. Find narrows them down.`}</Text>}
            </>)
        }}
      </Loaded>
    </Page>
  )
}

function Aliases({ of, version }: { of: { [alias: string]: number }; version?: number }) {
  return (
    <Group gap={4}>
      {Object.entries(of).filter(([, target]) => version === undefined || target === version).map(([alias, target]) => (
        <Badge key={alias} radius="sm" tt="none" variant="light" color={alias === 'champion' ? 'blue' : alias === 'challenger' ? 'orange' : 'gray'}>{alias}{version === undefined ? ` v${target}` : ''}</Badge>))}
    </Group>
  )
}

/** Whether opening the version's files would run code. */
function Safety({ version }: { version: ModelVersion }) {
  const files = version.files
  if (!files) return <Text size="xs" c="dimmed">{version.folder ? 'not looked at' : 'kept elsewhere'}</Text>
  if (version.held.length > 0) {
    return version.trusted
      ? <Badge color="yellow" variant="light" radius="sm" tt="none" leftSection="!">{version.trustedWithNetwork ? 'trusted, with network' : 'trusted'}</Badge>
      : <Badge color="orange" variant="light" radius="sm" tt="none" leftSection="!" title={version.held.join('\n')}>held</Badge>
  }
  return files.pickles.some((pickle) => pickle.verdict !== 'ALLOWED')
    ? <Badge color="yellow" variant="light" radius="sm" tt="none" leftSection="!">runs code</Badge>
    : <Badge color="green" variant="light" radius="sm" tt="none" leftSection="✓">{files.pickles.length > 0 ? 'known pickle' : 'data only'}</Badge>
}

export function ModelPage() {
  const project = useProject()
  const name = decodeURIComponent(useName('model'))
  const search: { version?: number } = useSearch({ strict: false })
  const query = useQuery({ queryKey: [project, 'models', name], queryFn: () => get<ModelView>(inProject(project, `/models/${encodeURIComponent(name)}`)) })
  return (
    <Loaded query={query}>
      {(view) => {
        const version = view.versions.find((candidate) => candidate.version === (search.version ?? view.aliases['champion'])) ?? view.versions[0]
        const data = version?.dataVersions[0]
        const pipelineRun = version && /^[0-9a-f-]{36}\//.test(version.madeBy) ? version.madeBy.split('/')[0] : undefined
        return (
          <Page path={[{ label: 'Models', to: `/ui/${project}/models` }]} title={version ? `${name} v${version.version}` : name} status={version && <Group gap={6}><State value={version.stage} /><Aliases of={view.aliases} version={version.version} /><Safety version={version} /></Group>}
            action={version && <Group gap="xs"><AsCode samples={samples(name, version)} /><MoveAlias project={project} view={view} version={version} /><ScoreData project={project} version={version} /><Deploy project={project} version={version} /></Group>}
            chain={version && <Chain links={[data ? { label: data, to: `/ui/${project}/data/${data.split('@')[0] ?? ''}?version=${data.split('@')[1] ?? ''}` } : undefined, pipelineRun ? { label: `pipeline run ${short(pipelineRun)}`, to: `/ui/${project}/pipelines/runs/${pipelineRun}` } : undefined, version.run ? { label: `run ${version.run.slice(0, 8)}`, to: `/ui/${project}/experiments/${version.run}` } : undefined, { label: `${name} v${version.version}`, to: `/ui/${project}/models/${name}?version=${version.version}` }, { label: 'deployments', to: `/ui/${project}/deployments` }]} />}>
            <About project={project} view={view} />
            {version ? <Card version={version} data={data} /> : <Empty text="No version yet." command={`mlflow.register_model("runs:/RUN/model", "${name}")`} />}
            {version?.files?.flavors.includes('tidemill_graph') && <GraphPicture project={project} version={version} />}
            {version && <TryModel project={project} version={version} />}
            <Title order={3} fz={16}>Versions</Title>
            <ScrollArea>
              <Table highlightOnHover>
                <Table.Thead><Table.Tr><Table.Th>Version</Table.Th><Table.Th>Stage</Table.Th><Table.Th>Aliases</Table.Th><Table.Th ta="right">Held-out error</Table.Th><Table.Th ta="right">Champion then</Table.Th><Table.Th>Data until</Table.Th><Table.Th>Files</Table.Th><Table.Th>Registered</Table.Th></Table.Tr></Table.Thead>
                <Table.Tbody>{view.versions.map((entry) => (
                  <Table.Tr key={entry.version}>
                    <Table.Td><To to={`/ui/${project}/models/${encodeURIComponent(name)}?version=${entry.version}`}>{`v${entry.version}`}</To></Table.Td><Table.Td><State value={entry.stage} /></Table.Td><Table.Td><Aliases of={view.aliases} version={entry.version} /></Table.Td>
                    <Table.Td ta="right">{number(entry.metrics['error'])}</Table.Td><Table.Td ta="right">{number(entry.metrics['champion_error'])}</Table.Td><Table.Td>{date(entry.dataUntil)}</Table.Td><Table.Td><Safety version={entry} /></Table.Td><Table.Td><Ago time={entry.createdAt} /></Table.Td>
                  </Table.Tr>))}
                </Table.Tbody>
              </Table>
            </ScrollArea>
          </Page>
        )
      }}
    </Loaded>
  )
}

const samples = (name: string, version: ModelVersion) => ({
  Python: `import mlflow\n\nmlflow.set_tracking_uri("${window.location.origin}")\nmodel = mlflow.pyfunc.load_model("models:/${name}/${version.version}")\nmodel.predict(rows)`,
  curl: `curl -s '${window.location.origin}/api/2.0/mlflow/model-versions/get?name=${encodeURIComponent(name)}&version=${version.version}'`,
  'Command line': `tidemill models show '${name}' ${version.version}\ntidemill models download '${name}' ${version.version} --to folder`,
})

/** What the catalog says of the model, and a form to change it. */
function About({ project, view }: { project: string; view: ModelView }) {
  const queries = useQueryClient()
  const [open, setOpen] = useState(false)
  const [description, setDescription] = useState(view.description)
  const [tags, setTags] = useState<{ [key: string]: string }>({})
  const save = useMutation({ mutationFn: () => post(inProject(project, `/models/${encodeURIComponent(view.name)}`), { description, tags }), onSuccess: () => { setOpen(false); void queries.invalidateQueries({ queryKey: [project, 'models'] }) } })
  const known = ['task', 'owner', 'license']
  const others = Object.entries(view.tags).filter(([key]) => !known.includes(key) && !key.startsWith('mlflow.'))
  return (
    <Group justify="space-between" align="flex-start" wrap="nowrap">
      <div>
        <Text style={{ whiteSpace: 'pre-wrap' }} {...(view.description ? {} : { c: 'dimmed' })}>{view.description || 'Nobody has said yet what this model is for.'}</Text>
        <Group gap={6} mt={6}>{known.filter((key) => view.tags[key]).map((key) => <Badge key={key} variant="outline" color="gray" radius="sm" tt="none">{key}: {view.tags[key]}</Badge>)}{others.map(([key, value]) => <Badge key={key} variant="light" color="gray" radius="sm" tt="none">{key}: {value.slice(0, 60)}</Badge>)}</Group>
      </div>
      <Button size="xs" variant="subtle" onClick={() => { setDescription(view.description); setTags({}); setOpen(true) }}>Edit</Button>
      <Modal opened={open} onClose={() => setOpen(false)} title={`What ${view.name} is`}>
        <Stack>
          <Textarea label="Description" autosize minRows={3} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
          {known.map((key) => <TextInput key={key} label={key === 'license' ? 'Licence' : key === 'task' ? 'Task' : 'Owner'} value={tags[key] ?? view.tags[key] ?? ''} onChange={(event) => { const value = event.currentTarget.value; setTags((before) => ({ ...before, [key]: value })) }} />)}
          {save.error && <Text c="red" size="sm">{save.error.message}</Text>}
          <Button loading={save.isPending} onClick={() => save.mutate()}>Save</Button>
        </Stack>
      </Modal>
    </Group>
  )
}

function Card({ version, data }: { version: ModelVersion; data: string | undefined }) {
  const files = version.files
  const fields = (list: { name: string; type: string }[]) => (list.length === 0 ? <Text span size="sm" c="dimmed">not told</Text> : list.slice(0, 60).map((field) => `${field.name || 'value'}: ${field.type}`).join(', ') + (list.length > 60 ? ` and ${list.length - 60} more` : ''))
  const metrics = Object.entries(version.metrics)
  return (
    <>
      {files && files.remarks.length > 0 && <Alert color="yellow" variant="light" title="Worth knowing">{files.remarks.map((remark) => <Text size="sm" key={remark}>{remark}</Text>)}</Alert>}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Table variant="vertical"><Table.Tbody>
          <Table.Tr><Table.Th w={150}>Takes</Table.Th><Table.Td>{fields(version.signature.inputs)}</Table.Td></Table.Tr>
          <Table.Tr><Table.Th>Gives</Table.Th><Table.Td>{fields(version.signature.outputs)}</Table.Td></Table.Tr>
          <Table.Tr><Table.Th>Metrics</Table.Th><Table.Td>{metrics.length ? metrics.map(([key, value]) => `${key} ${number(value)}`).join(', ') : <Text span size="sm" c="dimmed">none told</Text>}</Table.Td></Table.Tr>
          <Table.Tr><Table.Th>Trained on</Table.Th><Table.Td>{data ? <>{data}, digest <Code>{version.dataDigest.slice(0, 16)}</Code>, up to {date(version.dataUntil)}</> : <Text span size="sm" c="dimmed">not told</Text>}</Table.Td></Table.Tr>
          <Table.Tr><Table.Th>Trained by</Table.Th><Table.Td>{[version.codeVersion, ...Object.entries(version.params).map(([key, value]) => `${key} ${value}`)].filter(Boolean).join('; ') || <Text span size="sm" c="dimmed">not told</Text>}</Table.Td></Table.Tr>
        </Table.Tbody></Table>
        <Table variant="vertical"><Table.Tbody>
          <Table.Tr><Table.Th w={150}>Flavours</Table.Th><Table.Td>{files?.flavors.join(', ') || <Text span size="sm" c="dimmed">unknown</Text>}</Table.Td></Table.Tr>
          <Table.Tr><Table.Th>Files</Table.Th><Table.Td>{files ? `${files.count} files, ${(files.bytes / 1_048_576).toFixed(2)} MB` : version.source}</Table.Td></Table.Tr>
          <Table.Tr><Table.Th>Digest</Table.Th><Table.Td>{version.folder ? <Code>{version.folder.slice(0, 32)}</Code> : <Text span size="sm" c="dimmed">its files are kept elsewhere</Text>}</Table.Td></Table.Tr>
          <Table.Tr><Table.Th>Pickles</Table.Th><Table.Td>{!files || files.pickles.length === 0 ? 'none' : files.pickles.map((pickle) => `${pickle.path}: ${pickle.verdict.toLowerCase()}`).join(', ')}</Table.Td></Table.Tr>
          <Table.Tr><Table.Th>Needs</Table.Th><Table.Td>{files?.requirements.slice(0, 12).join(', ') || <Text span size="sm" c="dimmed">not told</Text>}</Table.Td></Table.Tr>
        </Table.Tbody></Table>
      </SimpleGrid>
    </>
  )
}

/** Puts the version into service: in a deployment of this model, or in a new one. */
function Deploy({ project, version }: { project: string; version: ModelVersion }) {
  const queries = useQueryClient()
  const [open, setOpen] = useState(false)
  const [chosen, setChosen] = useState<string | null>(null)
  const [fresh, setFresh] = useState('')
  const deployments = useQuery({ queryKey: [project, 'deployments'], queryFn: () => get<{ deployments: DeploymentView[] }>(inProject(project, '/deployments')), enabled: open })
  const own = (deployments.data?.deployments ?? []).filter((entry) => entry.deployment.definition.model === version.model).map((entry) => entry.deployment.name)
  const name = chosen ?? (own.length === 0 ? fresh : '')
  const act = useMutation({
    mutationFn: async () => {
      if (!own.includes(name)) await post(inProject(project, '/definitions'), { files: { 'deployment.yaml': `kind: Deployment\nname: ${name}\nmodel: ${JSON.stringify(version.model)}\n` } })
      return post(inProject(project, `/deployments/${encodeURIComponent(name)}/roll-back`), { version: version.version })
    },
    onSuccess: () => { setOpen(false); void queries.invalidateQueries({ queryKey: [project, 'deployments'] }) },
  })
  return (
    <>
      <Button size="xs" onClick={() => setOpen(true)}>Deploy v{version.version}</Button>
      <Modal opened={open} onClose={() => setOpen(false)} title={`Deploy ${version.model} v${version.version}`}>
        <Stack>
          <Text size="sm">All of the deployment's traffic goes to this version at once, without a trial against the one before. Pipelines try challengers in shadow and canary first.</Text>
          {own.length > 0 ? <Select label="Deployment" data={own} value={chosen} onChange={setChosen} /> : <TextInput label="Name of the new deployment" value={fresh} onChange={(event) => setFresh(event.currentTarget.value)} />}
          {act.error && <Text c="red" size="sm">{act.error.message}</Text>}
          <Button loading={act.isPending} disabled={!name} onClick={() => act.mutate()}>Deploy v{version.version}</Button>
        </Stack>
      </Modal>
    </>
  )
}

/** Points an alias at the version, if nobody else has moved it since this page was read. */
function MoveAlias({ project, view, version }: { project: string; view: ModelView; version: ModelVersion }) {
  const queries = useQueryClient()
  const [open, setOpen] = useState(false)
  const [alias, setAlias] = useState('')
  const act = useMutation({
    mutationFn: () => put(inProject(project, `/models/${encodeURIComponent(view.name)}/aliases/${encodeURIComponent(alias)}`), { version: version.version }, { 'If-Match': `"${view.aliases[alias] ?? 0}"` }),
    onSuccess: () => { setOpen(false); void queries.invalidateQueries({ queryKey: [project, 'models'] }) },
  })
  return (
    <>
      <Button size="xs" variant="default" onClick={() => setOpen(true)}>Set alias</Button>
      <Modal opened={open} onClose={() => setOpen(false)} title={`An alias for v${version.version}`}>
        <Stack>
          <TextInput label="Alias" value={alias} onChange={(event) => setAlias(event.currentTarget.value)} description={view.aliases[alias] ? `points at v${view.aliases[alias]} now` : undefined} />
          {act.error && <Text c="red" size="sm">{act.error.message}</Text>}
          <Button loading={act.isPending} disabled={!alias} onClick={() => act.mutate()}>Point it at v{version.version}</Button>
        </Stack>
      </Modal>
    </>
  )
}
