import { Alert, Group, ScrollArea, Select, Table, Text, Title, Tooltip } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo } from 'react'
import { get, inProject } from '../../api/client'
import type { DeploymentView, MonitorWindow, Profile, Watched } from '../../api/types'
import { useProject } from '../../project'
import { COLOUR, Curves, Distributions } from '../../ui/charts'
import { date, number, probability } from '../../ui/format'
import { Page, To } from '../../ui/page'
import { Empty, Loaded } from '../../ui/states'
import { useWatched, Why } from './Why'

interface Search { deployment?: string; feature?: string; window?: string }

export function Monitoring() {
  const project = useProject()
  const navigate = useNavigate()
  const search: Search = useSearch({ strict: false })
  const deployments = useQuery({ queryKey: [project, 'deployments'], queryFn: () => get<{ deployments: DeploymentView[] }>(inProject(project, '/deployments')) })
  const names = deployments.data?.deployments.map((entry) => entry.deployment.name) ?? []
  const name = search.deployment ?? names[0]
  const windows = useQuery({ queryKey: [project, 'windows', name], enabled: !!name, queryFn: () => get<{ windows: MonitorWindow[] }>(inProject(project, `/deployments/${name}/windows`)) })
  const watched = useWatched(name)
  const list = windows.data?.windows ?? []
  const chosen = list.find((candidate) => candidate.startsAt === search.window) ?? list.at(-1)
  const reference = useQuery({ queryKey: [project, 'reference', name, chosen?.version], enabled: !!name && !!chosen, staleTime: Infinity, queryFn: () => get<{ version: number; profile: Profile }>(inProject(project, `/deployments/${name}/reference?version=${chosen?.version ?? 1}`)) })
  const go = (next: Search) => void navigate({ to: '.', search: { ...search, ...next } })
  return (
    <Page title="Monitoring" action={names.length > 0 && <Select aria-label="Deployment" data={names} value={name ?? null} onChange={(value) => value && go({ deployment: value })} allowDeselect={false} />}>
      <Loaded query={deployments}>
        {() => !name ? <Empty text="Nothing is deployed, so there is nothing to watch yet." command="./tidemill demo --keep" /> : (
          <><NotCounted watched={watched.data} /><Loaded query={windows}>
            {({ windows: list }) => list.length === 0 ? <Empty text="No window has closed yet: labels are still on their way." command={`curl ${window.location.origin}/v2/models/${name}`} /> : (
              <>
                <Text size="sm" c="dimmed">Windows of <To to={`/ui/${project}/deployments/${name}`}>{name}</To>, in event time.</Text>
                <Title order={3} fz={16}>Quality</Title>
                <Quality windows={list} />
                <Title order={3} fz={16}>Drift from the reference, by feature and window</Title>
                <HeatMap windows={list} search={search} onPick={go} />
                {chosen && <Compare window={chosen} feature={search.feature} reference={reference.data?.profile} />}
              </>)}
          </Loaded></>)}
      </Loaded>
    </Page>
  )
}

/** Why nothing happens, and what has come too late to count. */
function NotCounted({ watched }: { watched?: Watched }) {
  const late = watched?.state?.lateLabels ?? 0
  return (
    <>
      {watched && <Why obstacles={watched.obstacles} />}
      {late > 0 && <Alert color="yellow" title={`${late} labels came too late`}>They came later than the monitor's label-delay, and count in no window and no trial.</Alert>}
    </>
  )
}

function Quality({ windows }: { windows: MonitorWindow[] }) {
  const { x, series } = useMemo(() => ({
    x: windows.map((window) => Date.parse(window.endsAt) / 1000),
    series: [
      { label: 'reference error', values: windows.map((window) => window.referenceError ?? null), colour: COLOUR.reference, dash: [6, 4] },
      { label: 'error of what was served', values: windows.map((window) => window.error ?? null), colour: COLOUR.champion },
      { label: 'degraded', values: windows.map((window) => (window.degraded ? (window.error ?? null) : null)), colour: COLOUR.bad, dots: true },
    ],
  }), [windows])
  return <Curves x={x} time series={series} unit="mean loss" sync="monitoring" />
}

/** The index, or that so few rows would show a large one by chance. */
const stability = (name: string, drift: MonitorWindow['drift'][string] | undefined): string =>
  drift && drift.populationStabilityIndex === undefined ? `${name} – (too few rows for its bins)` : `${name} ${number(drift?.populationStabilityIndex)}`

/** From no effect (neutral) to a large one (amber to red); a drifted cell also carries a mark. */
const shade = (effect: number): string => `color-mix(in srgb, ${effect >= 0.25 ? '#e03131' : '#f59f00'} ${Math.min(100, Math.round(effect * 260))}%, var(--mantine-color-default))`

function HeatMap({ windows, search, onPick }: { windows: MonitorWindow[]; search: Search; onPick: (next: Search) => void }) {
  const features = Object.keys(windows.at(-1)?.drift ?? {})
  return (
    <ScrollArea>
      <Table className="heat" withRowBorders={false}>
        <Table.Tbody>{features.map((feature) => (
          <Table.Tr key={feature}>
            <Table.Th style={{ whiteSpace: 'nowrap', fontWeight: 500, paddingRight: 10 }}>{feature}</Table.Th>
            {windows.map((window) => {
              const drift = window.drift[feature]
              const label = `${feature}, window to ${date(window.endsAt)}: effect ${number(drift?.effect)}, adjusted p ${probability(drift?.adjustedPValue)}, ${stability('PSI', drift)}`
              return (
                <Table.Td key={window.startsAt}>
                  <Tooltip label={label} openDelay={150}>
                    <button type="button" aria-label={label} aria-pressed={search.feature === feature && search.window === window.startsAt} style={{ background: shade(drift?.effect ?? 0) }} onClick={() => onPick({ feature, window: window.startsAt })}>{drift?.drifted ? '•' : ''}</button>
                  </Tooltip>
                </Table.Td>)
            })}
          </Table.Tr>))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  )
}

function Compare(props: { window: MonitorWindow; feature: string | undefined; reference: Profile | undefined }) {
  const { window, reference } = props
  const feature = props.feature ?? Object.keys(window.drift)[0]
  const current = feature ? window.profile.columns?.[feature] : undefined
  const before = feature ? reference?.columns?.[feature] : undefined
  if (!feature || !current) return null
  const labels = ['missing', ...(current.edges?.map((edge) => `≤ ${number(edge)}`) ?? current.values ?? []), current.edges ? 'above' : 'other']
  const drift = window.drift[feature]
  return (
    <div>
      <Group justify="space-between">
        <Title order={3} fz={16}>{feature}, window to {date(window.endsAt)}</Title>
        <Text size="sm"><span style={{ color: COLOUR.reference }}>■ reference of v{window.version}</span> <span style={{ color: COLOUR.champion }}>■ this window</span></Text>
      </Group>
      <Text size="sm" c="dimmed">{drift?.test}: effect {number(drift?.effect)}, adjusted p {probability(drift?.adjustedPValue)}, {stability('population stability index', drift)}</Text>
      <Distributions labels={labels} reference={before?.counts ?? current.counts.map(() => 0)} current={current.counts} />
    </div>
  )
}
