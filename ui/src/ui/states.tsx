import { Alert, Badge, Button, Code, CopyButton, Group, Skeleton, Stack, Text, Tooltip } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { ApiError } from '../api/client'
import { ago } from './format'

/** A query's content, or the state it is in. */
export function Loaded<T>({ query, children }: { query: UseQueryResult<T>; children: (value: T) => ReactNode }) {
  if (query.data !== undefined) return <>{children(query.data)}</>
  if (query.error) {
    const error = query.error
    const known = error instanceof ApiError ? error : undefined
    return (
      <Alert color="red" variant="light" title={error.message}>
        <Stack gap="xs" align="flex-start">
          {known?.remedy && <Text size="sm">{known.remedy}</Text>}
          {known?.requestId && <Text size="xs" c="dimmed">request {known.requestId}</Text>}
          <Button size="compact-sm" variant="light" color="red" onClick={() => void query.refetch()}>Try again</Button>
        </Stack>
      </Alert>
    )
  }
  return <Stack gap="xs"><Skeleton h={28} /><Skeleton h={28} /><Skeleton h={28} w="70%" /></Stack>
}

/** What would be here, and the command that fills it. */
export function Empty({ text, command }: { text: string; command?: string }) {
  return (
    <Stack align="center" gap="xs" py="xl">
      <svg width="64" height="40" viewBox="0 0 64 40" aria-hidden="true">
        <path d="M2 26c8 0 8-8 16-8s8 8 16 8 8-8 16-8 8 8 12 8" fill="none" stroke="var(--mantine-color-gray-5)" strokeWidth="3" strokeDasharray="5 5" />
      </svg>
      <Text c="dimmed">{text}</Text>
      {command && <Command text={command} />}
    </Stack>
  )
}

export function Command({ text }: { text: string }) {
  return (
    <Group gap={6} wrap="nowrap">
      <Code style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{text}</Code>
      <CopyButton value={text}>
        {({ copied, copy }) => <Button size="compact-xs" variant="subtle" style={{ flexShrink: 0 }} onClick={copy}>{copied ? 'copied' : 'copy'}</Button>}
      </CopyButton>
    </Group>
  )
}

const COLOURS: { [state: string]: [colour: string, mark: string] } = {
  SUCCEEDED: ['green', '✓'], FINISHED: ['green', '✓'], ACTIVE: ['green', '✓'], RUNNING: ['blue', '▶'], CANCELLING: ['gray', '…'],
  WAITING: ['gray', '·'], READY: ['gray', '○'], FAILED: ['red', '✕'], KILLED: ['red', '✕'], CANCELLED: ['gray', '–'],
  SKIPPED: ['gray', '–'], ARCHIVED: ['gray', '▫'], SHADOW: ['violet', '◐'], CANARY: ['orange', '◔'], NONE: ['gray', '·'],
  PROMOTED: ['green', '▲'], REJECTED: ['red', '▼'], DEPLOYED: ['blue', '●'], SHADOWED: ['violet', '◐'], CANARIED: ['orange', '◔'],
  ROLLED_BACK: ['yellow', '↺'], BROKEN: ['red', '✕'], WITHOUT_CHALLENGER: ['orange', '◔'], LOADING: ['blue', '…'],
}

export function State({ value }: { value: string }) {
  const [colour, mark] = COLOURS[value] ?? ['gray', '·']
  return (
    <Badge color={colour} variant="light" radius="sm" tt="none" fw={600} style={{ minWidth: 'max-content' }} leftSection={<span aria-hidden="true">{mark}</span>}>
      {value.toLowerCase().replace('_', ' ')}
    </Badge>
  )
}

export function Ago({ time }: { time: string }) {
  return (
    <Tooltip label={new Date(time).toLocaleString()}>
      <Text span size="sm" c="dimmed" className="tabular">{ago(time)}</Text>
    </Tooltip>
  )
}
