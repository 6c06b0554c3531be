import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { inProject } from './client'

/** What a type of event makes stale. */
const STALE: [prefix: string, keys: string[]][] = [
  ['pipeline.', ['pipeline-runs', 'pipelines']],
  ['run.', ['runs', 'experiments']],
  ['model.', ['models']],
  ['data-set.', ['data-sets']],
  ['deployment.', ['deployments', 'models']],
  ['monitor.', ['windows', 'deployments']],
  ['definition.', ['pipelines', 'data-sets', 'deployments', 'feature-views']],
]
const SETTLE_MILLIS = 400

/** Follows the project's events and refreshes what they change, at most a few times a second. */
export function useLive(project: string): 'live' | 'paused' {
  const queries = useQueryClient()
  const [state, setState] = useState<'live' | 'paused'>('paused')
  useEffect(() => {
    const source = new EventSource(`/api/tidemill/v1${inProject(project, '/events/stream')}`)
    let stale = new Set<string>()
    let timer: ReturnType<typeof setTimeout> | undefined
    const refresh = () => {
      timer = undefined
      for (const key of stale) void queries.invalidateQueries({ queryKey: [project, key] })
      stale = new Set()
    }
    const onEvent = (event: MessageEvent) => {
      stale.add('events')
      for (const [prefix, keys] of STALE) if (event.type.startsWith(prefix)) keys.forEach((key) => stale.add(key))
      timer ??= setTimeout(refresh, SETTLE_MILLIS)
    }
    source.onopen = () => setState('live')
    source.onerror = () => setState('paused')
    for (const type of EVENT_TYPES) source.addEventListener(type, onEvent)
    return () => {
      source.close()
      clearTimeout(timer)
    }
  }, [project, queries])
  return state
}

/** Server-sent events are heard by their exact type. */
const EVENT_TYPES = [
  'pipeline.run.started', 'pipeline.run.succeeded', 'pipeline.run.failed', 'pipeline.run.cancelled', 'pipeline.run.resumed',
  'pipeline.step.succeeded', 'pipeline.step.failed', 'pipeline.step.retrying', 'run.started', 'run.finished', 'run.failed',
  'model.version.registered', 'model.version.archived', 'model.alias.moved', 'data-set.version.created',
  'deployment.deployed', 'deployment.shadowed', 'deployment.canaried', 'deployment.promoted', 'deployment.rejected',
  'deployment.rolled_back', 'monitor.window.closed', 'monitor.quality.degraded', 'monitor.drift.detected',
  'monitor.data.broken', 'monitor.retraining.started', 'definition.applied',
]
