import { Badge, Code, Group, ScrollArea, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { get, inProject } from '../../api/client'
import type { Model, ModelView } from '../../api/types'
import { useName, useProject } from '../../project'
import { date, number, short } from '../../ui/format'
import { Chain, Page, To } from '../../ui/page'
import { Ago, Empty, Loaded, State } from '../../ui/states'

export function Models() {
  const project = useProject()
  const query = useQuery({ queryKey: [project, 'models'], queryFn: () => get<{ models: Model[] }>(inProject(project, '/models')) })
  return (
    <Page title="Models">
      <Loaded query={query}>
        {({ models }) => models.length === 0 ? <Empty text="No model is registered yet." command={`tidemill run train -p ${project}`} /> : (
          <Table highlightOnHover>
            <Table.Thead><Table.Tr><Table.Th>Model</Table.Th><Table.Th ta="right">Versions</Table.Th><Table.Th>Aliases</Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>{models.map((model) => (
              <Table.Tr key={model.name}><Table.Td><To to={`/ui/${project}/models/${model.name}`}>{model.name}</To></Table.Td><Table.Td ta="right">{model.versions}</Table.Td><Table.Td><Aliases of={model.aliases} /></Table.Td></Table.Tr>))}
            </Table.Tbody>
          </Table>)}
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

export function ModelPage() {
  const project = useProject()
  const name = useName('model')
  const search: { version?: number } = useSearch({ strict: false })
  const query = useQuery({ queryKey: [project, 'models', name], queryFn: () => get<ModelView>(inProject(project, `/models/${name}`)) })
  return (
    <Loaded query={query}>
      {(view) => {
        const version = view.versions.find((candidate) => candidate.version === (search.version ?? view.aliases['champion'])) ?? view.versions[0]
        const data = version?.dataVersions[0]
        return (
          <Page path={[{ label: 'Models', to: `/ui/${project}/models` }]} title={version ? `${name} v${version.version}` : name} status={version && <Group gap={6}><State value={version.stage} /><Aliases of={view.aliases} version={version.version} /></Group>}
            chain={version && <Chain links={[data ? { label: data, to: `/ui/${project}/data/${data.split('@')[0] ?? ''}?version=${data.split('@')[1] ?? ''}` } : undefined, { label: `pipeline run ${short(version.madeBy.split('/')[0] ?? '')}`, to: `/ui/${project}/pipelines/runs/${version.madeBy.split('/')[0] ?? ''}` }, version.run ? { label: `run ${short(version.run)}`, to: `/ui/${project}/experiments/${version.run}` } : undefined, { label: `${name} v${version.version}`, to: `/ui/${project}/models/${name}?version=${version.version}` }, { label: 'deployments', to: `/ui/${project}/deployments` }]} />}>
            {version && (
              <Table variant="vertical">
                <Table.Tbody>
                  <Table.Tr><Table.Th w={180}>Model folder</Table.Th><Table.Td><Code>{version.folder}</Code></Table.Td></Table.Tr>
                  <Table.Tr><Table.Th>Data</Table.Th><Table.Td>{data}, digest <Code>{version.dataDigest.slice(0, 16)}</Code>, up to {date(version.dataUntil)}</Table.Td></Table.Tr>
                  <Table.Tr><Table.Th>Trained by</Table.Th><Table.Td>{version.codeVersion}; {Object.entries(version.params).map(([key, value]) => `${key} ${value}`).join(', ')}</Table.Td></Table.Tr>
                  <Table.Tr><Table.Th>Takes</Table.Th><Table.Td>{version.signature.inputs.map((field) => `${field.name}: ${field.type}`).join(', ')}</Table.Td></Table.Tr>
                  <Table.Tr><Table.Th>Gives</Table.Th><Table.Td>{version.signature.outputs.map((field) => `${field.name}: ${field.type}`).join(', ')}</Table.Td></Table.Tr>
                </Table.Tbody>
              </Table>)}
            <Text fw={600}>Versions</Text>
            <ScrollArea>
              <Table highlightOnHover>
                <Table.Thead><Table.Tr><Table.Th>Version</Table.Th><Table.Th>Stage</Table.Th><Table.Th>Aliases</Table.Th><Table.Th ta="right">Held-out error</Table.Th><Table.Th ta="right">Champion then</Table.Th><Table.Th>Data until</Table.Th><Table.Th>Registered</Table.Th></Table.Tr></Table.Thead>
                <Table.Tbody>{view.versions.map((entry) => (
                  <Table.Tr key={entry.version}>
                    <Table.Td><To to={`/ui/${project}/models/${name}?version=${entry.version}`}>{`v${entry.version}`}</To></Table.Td><Table.Td><State value={entry.stage} /></Table.Td><Table.Td><Aliases of={view.aliases} version={entry.version} /></Table.Td>
                    <Table.Td ta="right">{number(entry.metrics['error'])}</Table.Td><Table.Td ta="right">{number(entry.metrics['champion_error'])}</Table.Td><Table.Td>{date(entry.dataUntil)}</Table.Td><Table.Td><Ago time={entry.createdAt} /></Table.Td>
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
