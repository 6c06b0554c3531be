import { Code, ScrollArea, Table, Tabs, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { get, inProject } from '../../api/client'
import type { DataSet, DataSetVersion, FeatureView, Json } from '../../api/types'
import { useName, useProject } from '../../project'
import { number, short } from '../../ui/format'
import { Chain, Page, To } from '../../ui/page'
import { Ago, Empty, Loaded } from '../../ui/states'

export function DataSets() {
  const project = useProject()
  const query = useQuery({ queryKey: [project, 'data-sets'], queryFn: () => get<{ dataSets: DataSet[] }>(inProject(project, '/data-sets')) })
  return (
    <Page title="Data">
      <Loaded query={query}>
        {({ dataSets }) => dataSets.length === 0 ? <Empty text="No data set is defined yet." command="tidemill init my-project --template tabular" /> : (
          <Table highlightOnHover>
            <Table.Thead><Table.Tr><Table.Th>Data set</Table.Th><Table.Th>Source</Table.Th><Table.Th ta="right">Columns</Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>{dataSets.map((set) => (
              <Table.Tr key={set.name}>
                <Table.Td><To to={`/ui/${project}/data/${set.name}`}>{set.name}</To></Table.Td>
                <Table.Td>{set.definition.source?.path ?? 'written by pipelines'}</Table.Td>
                <Table.Td ta="right">{set.definition.columns.length}</Table.Td>
              </Table.Tr>))}
            </Table.Tbody>
          </Table>)}
      </Loaded>
    </Page>
  )
}

interface DataSetView { name: string; definition?: DataSet['definition']; versions: DataSetVersion[] }

export function DataSetPage() {
  const project = useProject()
  const name = useName('dataSet')
  const navigate = useNavigate()
  const search: { version?: number; tab?: string } = useSearch({ strict: false })
  const query = useQuery({ queryKey: [project, 'data-sets', name], queryFn: () => get<DataSetView>(inProject(project, `/data-sets/${name}`)) })
  return (
    <Loaded query={query}>
      {(view) => {
        const version = view.versions.find((candidate) => candidate.version === search.version) ?? view.versions[0]
        return (
          <Page path={[{ label: 'Data', to: `/ui/${project}/data` }]} title={name}
            chain={version && <Chain links={[...version.sources.filter((source) => /@\d+$/.test(source)).map((source) => ({ label: source, to: `/ui/${project}/data/${source.split('@')[0] ?? ''}` })), { label: `run ${short(version.madeBy.split('/')[0] ?? '')}`, to: `/ui/${project}/pipelines/runs/${version.madeBy.split('/')[0] ?? ''}` }, { label: `${name}@${version.version}`, to: `/ui/${project}/data/${name}` }]} />}>
            {!version ? <Empty text="No version has been imported yet." command={`tidemill run train -p ${project}`} /> : (
              <Tabs value={search.tab ?? 'columns'} onChange={(tab) => void navigate({ to: '.', search: { ...search, tab: tab ?? 'columns' } })}>
                <Tabs.List><Tabs.Tab value="columns">Columns</Tabs.Tab><Tabs.Tab value="sample">Sample</Tabs.Tab><Tabs.Tab value="versions">Versions ({view.versions.length})</Tabs.Tab></Tabs.List>
                <Tabs.Panel value="columns" pt="sm">
                  <Text size="sm" c="dimmed" mb="xs">Version {version.version}: {number(version.rows)} rows, digest <Code>{version.digest.slice(0, 12)}</Code></Text>
                  <ColumnTable version={version} />
                </Tabs.Panel>
                <Tabs.Panel value="sample" pt="sm"><Sample project={project} name={name} version={version.version} /></Tabs.Panel>
                <Tabs.Panel value="versions" pt="sm">
                  <Table highlightOnHover>
                    <Table.Thead><Table.Tr><Table.Th>Version</Table.Th><Table.Th ta="right">Rows</Table.Th><Table.Th>Digest</Table.Th><Table.Th>Made by</Table.Th><Table.Th>When</Table.Th></Table.Tr></Table.Thead>
                    <Table.Tbody>{view.versions.map((entry) => (
                      <Table.Tr key={entry.version}>
                        <Table.Td><To to={`/ui/${project}/data/${name}?version=${entry.version}`}>{`${name}@${entry.version}`}</To></Table.Td>
                        <Table.Td ta="right">{number(entry.rows)}</Table.Td><Table.Td><Code>{entry.digest.slice(0, 12)}</Code></Table.Td>
                        <Table.Td><To to={`/ui/${project}/pipelines/runs/${entry.madeBy.split('/')[0] ?? ''}`}>{short(entry.madeBy.split('/')[0] ?? '')}</To></Table.Td>
                        <Table.Td><Ago time={entry.createdAt} /></Table.Td>
                      </Table.Tr>))}
                    </Table.Tbody>
                  </Table>
                </Tabs.Panel>
              </Tabs>)}
          </Page>
        )
      }}
    </Loaded>
  )
}

function ColumnTable({ version }: { version: DataSetVersion }) {
  return (
    <Table>
      <Table.Thead><Table.Tr><Table.Th>Column</Table.Th><Table.Th>Type</Table.Th><Table.Th>Least</Table.Th><Table.Th>Most</Table.Th><Table.Th ta="right">Mean</Table.Th><Table.Th ta="right">Missing</Table.Th><Table.Th ta="right">Distinct</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>{version.columns.map((column) => {
        const facts = version.summary[column.name]
        return (
          <Table.Tr key={column.name}>
            <Table.Td fw={500}>{column.name}</Table.Td><Table.Td>{column.type.toLowerCase()}</Table.Td>
            <Table.Td>{String(facts?.least ?? '–')}</Table.Td><Table.Td>{String(facts?.most ?? '–')}</Table.Td>
            <Table.Td ta="right">{number(facts?.mean)}</Table.Td><Table.Td ta="right">{number(facts?.missing)}</Table.Td><Table.Td ta="right">{number(facts?.distinct_values)}</Table.Td>
          </Table.Tr>)
      })}</Table.Tbody>
    </Table>
  )
}

function Sample({ project, name, version }: { project: string; name: string; version: number }) {
  const query = useQuery({ queryKey: [project, 'sample', name, version], staleTime: Infinity, queryFn: () => get<{ rows: { [column: string]: Json }[] }>(inProject(project, `/data-sets/${name}/versions/${version}/sample`)) })
  return (
    <Loaded query={query}>
      {({ rows }) => {
        const columns = Object.keys(rows[0] ?? {})
        return (
          <ScrollArea>
            <Table striped>
              <Table.Thead><Table.Tr>{columns.map((column) => <Table.Th key={column}>{column}</Table.Th>)}</Table.Tr></Table.Thead>
              <Table.Tbody>{rows.map((row, index) => <Table.Tr key={index}>{columns.map((column) => <Table.Td key={column}>{String(row[column] ?? '')}</Table.Td>)}</Table.Tr>)}</Table.Tbody>
            </Table>
          </ScrollArea>
        )
      }}
    </Loaded>
  )
}

export function FeatureViews() {
  const project = useProject()
  const query = useQuery({ queryKey: [project, 'feature-views'], queryFn: () => get<{ featureViews: FeatureView[] }>(inProject(project, '/feature-views')) })
  return (
    <Page title="Features">
      <Loaded query={query}>
        {({ featureViews }) => featureViews.length === 0 ? <Empty text="No feature view is defined yet." command="tidemill init my-project --template tabular" /> : featureViews.map((view) => (
          <div key={view.name}>
            <Text fw={600}>{view.name}</Text>
            <Text size="sm" c="dimmed" mb={6}>from <To to={`/ui/${project}/data/${view.definition.source}`}>{view.definition.source}</To>, event time {view.definition.time}, label {view.definition.label}; materialized as <To to={`/ui/${project}/data/${view.name}`}>{view.name}</To></Text>
            <Code block>{view.definition.sql}</Code>
          </div>))}
      </Loaded>
    </Page>
  )
}
