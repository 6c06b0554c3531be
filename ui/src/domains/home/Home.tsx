import { Card, Group, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { get, inProject } from '../../api/client'
import type { DeploymentView, TidemillEvent } from '../../api/types'
import { date, micros, number, short } from '../../ui/format'
import { Page, To } from '../../ui/page'
import { Ago, Command, Empty, Loaded, State } from '../../ui/states'
import { useProject } from '../../project'

const ATTENTION: { [type: string]: string } = {
  'dev.tidemill.pipeline.run.failed': 'Pipeline run failed',
  'dev.tidemill.monitor.data.broken': 'Data looks broken; retraining is blocked until a window is whole',
  'dev.tidemill.monitor.quality.degraded': 'Quality has fallen',
  'dev.tidemill.monitor.drift.detected': 'Features have drifted; take a look',
  'dev.tidemill.deployment.rejected': 'A challenger was rejected',
}

/** Where the subject of an event is shown. */
export function pageOf(project: string, subject: string): string {
  const [kind, ...rest] = subject.split('/')
  const id = rest[0] ?? ''
  switch (kind) {
    case 'pipeline-run': return `/ui/${project}/pipelines/runs/${id}`
    case 'run': return `/ui/${project}/experiments/${id}`
    case 'model': return `/ui/${project}/models/${id}`
    case 'data-set': return `/ui/${project}/data/${id}`
    case 'deployment': return `/ui/${project}/deployments/${id}`
    default: return `/ui/${project}`
  }
}

export function Home() {
  const project = useProject()
  const deployments = useQuery({ queryKey: [project, 'deployments'], queryFn: () => get<{ deployments: DeploymentView[] }>(inProject(project, '/deployments')), refetchInterval: 5000 })
  const events = useQuery({ queryKey: [project, 'events'], queryFn: () => get<{ events: TidemillEvent[] }>(inProject(project, '/events?limit=200')) })
  return (
    <Page title="Home">
      <Title order={3} fz={16}>Served models</Title>
      <Loaded query={deployments}>
        {({ deployments: list }) =>
          list.length === 0 ? <Nothing project={project} /> : (
            <SimpleGrid cols={{ base: 1, md: 2, lg: 3 }}>
              {list.map(({ deployment, live }) => (
                <Card key={deployment.name} withBorder padding="md">
                  <Group justify="space-between">
                    <To to={`/ui/${project}/deployments/${deployment.name}`}>{deployment.name}</To>
                    {deployment.phase !== 'NONE' && <State value={deployment.phase} />}
                  </Group>
                  <Text size="sm" mt={6}>champion {deployment.definition.model} v{deployment.champion ?? '–'}{deployment.challenger ? `, challenger v${deployment.challenger}` : ''}</Text>
                  <Text size="sm" c="dimmed">{number(live.perSecond)} requests/s, p99 {micros(live.p99Micros)}, {number(live.errors)} errors in the last minute</Text>
                  <Text size="sm" c="dimmed">data up to {date(deployment.eventTime)}</Text>
                </Card>
              ))}
            </SimpleGrid>
          )}
      </Loaded>
      <Loaded query={events}>
        {({ events: list }) => {
          const attention = list.filter((event) => ATTENTION[event.type]).slice(0, 8)
          return (
            <SimpleGrid cols={{ base: 1, lg: 2 }}>
              <Stack gap="xs">
                <Title order={3} fz={16}>Needs a look</Title>
                {attention.length === 0 ? <Text c="dimmed" size="sm">Nothing needs you.</Text> : <Feed project={project} events={attention} label={(event) => ATTENTION[event.type] ?? event.type} />}
              </Stack>
              <Stack gap="xs">
                <Title order={3} fz={16}>What changed</Title>
                {list.length === 0 ? <Text c="dimmed" size="sm">Nothing has happened yet.</Text> : <Feed project={project} events={list.slice(0, 12)} label={(event) => event.type.replace('dev.tidemill.', '')} />}
              </Stack>
            </SimpleGrid>
          )
        }}
      </Loaded>
      <Text size="sm" c="dimmed" component="div">The same on the command line: <Command text={`tidemill status -p ${project}`} /></Text>
    </Page>
  )
}

function Feed(props: { project: string; events: TidemillEvent[]; label: (event: TidemillEvent) => string }) {
  return (
    <Table>
      <Table.Tbody>
        {props.events.map((event) => (
          <Table.Tr key={event.id}>
            <Table.Td>{props.label(event)}</Table.Td>
            <Table.Td><To to={pageOf(props.project, event.subject)}>{event.subject.split('/').map(short).join('/')}</To></Table.Td>
            <Table.Td className="when">{date(event.time)}</Table.Td>
            <Table.Td ta="right" className="when"><Ago time={event.recordedtime} /></Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

/** How a project gets its first deployment, and how there come to be more projects. */
function Nothing({ project }: { project: string }) {
  const here = project === 'default' ? '' : ` --project ${project}`
  return (
    <Stack gap="xs">
      <Empty text="Nothing is served yet. The demo runs the whole loop in minutes." command="./tidemill demo --keep" />
      <Text size="sm" c="dimmed">Your own data, in this project:</Text>
      <Command text={`./tidemill init my-project --template tabular && ./tidemill apply -f my-project${here} && ./tidemill run train${here}`} />
      <Text size="sm" c="dimmed">Another project:</Text>
      <Command text="./tidemill projects create shop" />
    </Stack>
  )
}
