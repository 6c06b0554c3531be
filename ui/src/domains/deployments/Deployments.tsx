import { Button, Card, Code, Group, SimpleGrid, Table, Text, Title } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import { get, inProject, post } from '../../api/client'
import type { Decision, DeploymentView, Month } from '../../api/types'
import { useName, useProject } from '../../project'
import { COLOUR, Curves } from '../../ui/charts'
import { date, micros, number } from '../../ui/format'
import { Page, To } from '../../ui/page'
import { Empty, Loaded, State } from '../../ui/states'
import { useWatched, Why } from '../monitoring/Why'
import { ServingAlert } from './ServingAlert'

export function Deployments() {
  const project = useProject()
  const query = useQuery({ queryKey: [project, 'deployments'], queryFn: () => get<{ deployments: DeploymentView[] }>(inProject(project, '/deployments')), refetchInterval: 5000 })
  return (
    <Page title="Deployments">
      <Loaded query={query}>
        {({ deployments }) => deployments.length === 0 ? <Empty text="Nothing is deployed yet." command="tidemill apply -f my-project && tidemill run train" /> : (
          <Table highlightOnHover>
            <Table.Thead><Table.Tr><Table.Th>Deployment</Table.Th><Table.Th>Champion</Table.Th><Table.Th>Challenger</Table.Th><Table.Th>Phase</Table.Th><Table.Th ta="right">Requests/s</Table.Th><Table.Th ta="right">p99</Table.Th><Table.Th ta="right">Errors</Table.Th><Table.Th>Data until</Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>{deployments.map(({ deployment, serving, live }) => (
              <Table.Tr key={deployment.name}>
                <Table.Td><To to={`/ui/${project}/deployments/${deployment.name}`}>{deployment.name}</To></Table.Td>
                <Table.Td>{deployment.champion ? `v${deployment.champion}` : '–'}</Table.Td><Table.Td>{deployment.challenger ? `v${deployment.challenger}` : '–'}</Table.Td><Table.Td>{serving.reason ? <State value={serving.state} /> : <State value={deployment.phase} />}</Table.Td>
                <Table.Td ta="right">{number(live.perSecond)}</Table.Td><Table.Td ta="right">{micros(live.p99Micros)}</Table.Td><Table.Td ta="right">{number(live.errors)}</Table.Td><Table.Td>{date(deployment.eventTime)}</Table.Td>
              </Table.Tr>))}
            </Table.Tbody>
          </Table>)}
      </Loaded>
    </Page>
  )
}

export function DeploymentPage() {
  const project = useProject()
  const name = useName('deployment')
  const queries = useQueryClient()
  const path = `/deployments/${name}`
  const query = useQuery({ queryKey: [project, 'deployments', name], queryFn: () => get<DeploymentView>(inProject(project, path)), refetchInterval: 2000 })
  const decisions = useQuery({ queryKey: [project, 'deployments', name, 'decisions'], queryFn: () => get<{ decisions: Decision[] }>(inProject(project, `${path}/decisions`)) })
  const report = useQuery({ queryKey: [project, 'deployments', name, 'report'], queryFn: () => get<{ baseline: number; months: Month[] }>(inProject(project, `${path}/report?baseline=1`)), enabled: !!query.data?.deployment.champion })
  const watched = useWatched(query.data?.deployment.name)
  const act = useMutation({ mutationFn: (what: 'promote' | 'reject' | 'retry') => post(inProject(project, `${path}/${what}`)), onSuccess: () => queries.invalidateQueries({ queryKey: [project, 'deployments'] }) })
  return (
    <Loaded query={query}>
      {({ deployment, serving, live, journal }) => (
        <Page path={[{ label: 'Deployments', to: `/ui/${project}/deployments` }]} title={name} status={deployment.phase !== 'NONE' ? <State value={deployment.phase} /> : undefined}
          action={deployment.challenger ? <Group gap="xs"><Button variant="light" color="red" onClick={() => act.mutate('reject')}>Reject challenger</Button><Button onClick={() => act.mutate('promote')}>Promote challenger</Button></Group> : undefined}
          chain={<>serves <To to={`/ui/${project}/models/${deployment.definition.model}`}>{deployment.definition.model}</To>, watched in <To to={`/ui/${project}/monitoring?deployment=${name}`}>monitoring</To>, policy {deployment.definition.policy ?? 'none'}, data up to {date(deployment.eventTime)}</>}>
          {act.error && <Text c="red" size="sm">{act.error.message}</Text>}
          <ServingAlert serving={serving} rollBack={`${path}/roll-back`} retry={() => act.mutate('retry')} />
          {watched.data && <Why obstacles={watched.data.obstacles.filter((obstacle) => obstacle.kind !== 'NOT_SERVED')} />}
          <SimpleGrid cols={{ base: 2, md: 6 }}>
            <Figure label="Champion" value={deployment.champion ? `v${deployment.champion}` : '–'} note={`since ${date(deployment.championSince)}`} colour={COLOUR.champion} />
            <Figure label="Challenger" value={deployment.challenger ? `v${deployment.challenger}` : 'none'} note={deployment.challenger ? `${deployment.phase.toLowerCase()}, answers ${number(deployment.share * 100)} %` : ''} colour={COLOUR.challenger} />
            <Figure label="Traffic" value={`${number(live.perSecond)}/s`} note={`${number(live.requests)} in the last minute`} />
            <Figure label="Latency" value={`p99 ${micros(live.p99Micros)}`} note={`p50 ${micros(live.p50Micros)}`} />
            <Figure label="Errors" value={number(live.errors)} note="in the last minute" />
            <Figure label="Predictions lost" value={number(journal.dropped)} note={`since the start; the journal is ${journal.durable ? 'durable' : 'best-effort'}`} />
          </SimpleGrid>
          {journal.dropReason && <Text size="sm" c="red">The newest prediction that was lost: {journal.dropReason}</Text>}
          {journal.unreadableFiles > 0 && <Text size="sm" c="red">{number(journal.unreadableFiles)} journal files of this server could not be read as a whole. They are kept as *.unreadable in the folder journal of the data directory; the log says which.</Text>}
          {deployment.challenger && (live.shadowFailures > 0 || live.shadowDropped > 0) && <Text size="sm" c="red">Beside the answers, since the start: {number(live.shadowFailures)} requests failed, {number(live.shadowDropped)} were not asked for want of room.</Text>}
          <Title order={3} fz={16}>Error by month</Title>
          {deployment.champion ? <Loaded query={report}>{({ months, baseline }) => months.length === 0 ? <Text c="dimmed" size="sm">No label has arrived yet.</Text> : <Months months={months} baseline={baseline} />}</Loaded> : <Empty text="No model serves yet." command={`tidemill run train -p ${project}`} />}
          <Title order={3} fz={16}>Decisions</Title>
          <Loaded query={decisions}>
            {({ decisions: list }) => (
              <Table>
                <Table.Thead><Table.Tr><Table.Th>Event time</Table.Th><Table.Th>Decision</Table.Th><Table.Th>Version</Table.Th><Table.Th>Why</Table.Th><Table.Th>By</Table.Th></Table.Tr></Table.Thead>
                <Table.Tbody>{list.toReversed().map((decision) => (
                  <Table.Tr key={decision.position}>
                    <Table.Td>{date(decision.at)}</Table.Td><Table.Td><State value={decision.action} /></Table.Td>
                    <Table.Td><To to={`/ui/${project}/models/${deployment.definition.model}?version=${decision.version ?? 1}`}>{`v${decision.version ?? '–'}`}</To></Table.Td>
                    <Table.Td>{decision.reason}<Unit evidence={decision.evidence} /></Table.Td><Table.Td>{decision.actor}</Table.Td>
                  </Table.Tr>))}
                </Table.Tbody>
              </Table>)}
          </Loaded>
          <Title order={3} fz={16}>Call it</Title>
          <Code block>{`curl ${window.location.origin}/v2/models/${project === 'default' ? name : `${project}~${name}`}`}</Code>
        </Page>
      )}
    </Loaded>
  )
}

/** What the bounds of a decision were computed from. */
function Unit({ evidence }: { evidence: Decision['evidence'] }) {
  const { blocks, blockLength, effectiveBlocks, autocorrelation } = evidence
  if (typeof blocks !== 'number' || typeof effectiveBlocks !== 'number' || typeof autocorrelation !== 'number') return null
  return <Text size="xs" c="dimmed">{`Unit of analysis: ${blocks} blocks of ${String(blockLength)}; at an autocorrelation of ${number(autocorrelation)} they count as ${number(effectiveBlocks)}`}</Text>
}

function Figure({ label, value, note, colour }: { label: string; value: string; note: string; colour?: string }) {
  return (
    <Card withBorder padding="sm" style={colour ? { borderLeft: `4px solid ${colour}` } : undefined}>
      <Text size="xs" c="dimmed">{label}</Text><Text fw={600} fz={20} className="tabular">{value}</Text><Text size="xs" c="dimmed">{note}</Text>
    </Card>
  )
}

function Months({ months, baseline }: { months: Month[]; baseline: number }) {
  const { x, series } = useMemo(() => ({
    x: months.map((month) => Date.parse(`${month.month}-15T00:00:00Z`) / 1000),
    series: [
      { label: `frozen v${baseline}`, values: months.map((month) => month.baseline), colour: COLOUR.reference, dash: [6, 4] },
      { label: 'served', values: months.map((month) => month.served), colour: COLOUR.champion },
    ],
  }), [months, baseline])
  return (
    <>
      <Curves x={x} time series={series} unit="mean loss" />
      <Table>
        <Table.Thead><Table.Tr><Table.Th>Month</Table.Th><Table.Th ta="right">Predictions</Table.Th><Table.Th ta="right">Frozen first model</Table.Th><Table.Th ta="right">Served</Table.Th><Table.Th ta="right">Retrainings</Table.Th><Table.Th ta="right">Promotions</Table.Th><Table.Th ta="right">Rejected</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>{months.map((month) => (
          <Table.Tr key={month.month}><Table.Td>{month.month}</Table.Td><Table.Td ta="right">{number(month.rows)}</Table.Td><Table.Td ta="right">{number(month.baseline)}</Table.Td><Table.Td ta="right" fw={600}>{number(month.served)}</Table.Td><Table.Td ta="right">{month.retrainings}</Table.Td><Table.Td ta="right">{month.promotions}</Table.Td><Table.Td ta="right">{month.rejections}</Table.Td></Table.Tr>))}
        </Table.Tbody>
      </Table>
    </>
  )
}
