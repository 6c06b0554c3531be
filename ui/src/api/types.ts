/** The server's answers, as far as the screens read them. Times are ISO 8601. */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

export interface Project { name: string; description: string; createdAt: string }

export interface TidemillEvent {
  id: string; type: string; subject: string; time: string; recordedtime: string; position: number; actor: string
  cause?: string; digest?: string; data: { [key: string]: Json }
}

export type RunState = 'RUNNING' | 'CANCELLING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED'
export type StepState = 'WAITING' | 'READY' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'SKIPPED'

export interface PipelineStep {
  name: string; uses: string; needs: string[]; with: { [key: string]: Json }; matrix: { [key: string]: Json[] }
}
export interface Pipeline { parameters: { name: string; type: string; otherwise?: string }[]; steps: PipelineStep[] }
export interface PipelineVersion { name: string; version: number; digest: string; pipeline: Pipeline }
export interface PipelineRun {
  id: string; pipeline: string; pipelineVersion: number; parameters: { [key: string]: string }; state: RunState
  actor: string; cause?: string; error?: string; createdAt: string; finishedAt?: string
}
export interface StepRun {
  name: string; step: string; position: number; choice: { [key: string]: Json }; state: StepState; attempt: number
  cached: boolean; inputs: { [key: string]: Json }; outputs: { [key: string]: Json }; error?: string
  startedAt?: string; finishedAt?: string
}
export interface PipelineRunView { run: PipelineRun; pipeline: Pipeline; steps: StepRun[] }

export interface Column { name: string; type: string; required: boolean; least?: number; most?: number; values: string[] }
export interface DataSet { name: string; definition: { columns: Column[]; key: string[]; time?: string; source?: { path: string } } }
export interface ColumnSummary { least: Json; most: Json; mean: number | null; missing: number; distinct_values: number }
export interface DataSetVersion {
  dataSet: string; version: number; digest: string; rows: number; bytes: number; columns: Column[]
  summary: { [column: string]: ColumnSummary }; sources: string[]; madeBy: string; createdAt: string
}
export interface FeatureView { name: string; definition: { source: string; sql: string; time: string; label: string } }

export interface Experiment { id: number; name: string; createdAt: string; artifactLocation: string; tags: { [key: string]: string } }
export interface DataSetInput { name: string; digest: string; sourceType: string; source: string; schema: string; profile: string; tags: { [key: string]: string } }
export interface TrackedRun {
  id: string; experimentId: number; name: string; sourceKey?: string; user: string; deleted: boolean; status: 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED'
  startedAt: string; endedAt?: string; modelDigest?: string; artifacts: string
  params: { [key: string]: string }; metrics: { [key: string]: number }; tags: { [key: string]: string }
  inputs: DataSetInput[]; models: { modelId: string; output: boolean; step: number }[]
}
export interface RunPage { runs: TrackedRun[]; next?: string; total?: number }
export interface RunNames { metrics: string[]; params: string[]; tags: string[] }
export interface SavedView { name: string; address: string; madeBy: string; createdAt: string }
export interface Curve { run: string; steps: number[]; times: number[]; values: (number | null)[] }
export interface ArtifactEntry { path: string; is_dir: boolean; file_size?: number }
export interface Recipe {
  runId: string; source?: string; commit?: string; branch?: string; repository?: string; hasDiff: boolean; environment?: string; entryPoint?: string
  data: DataSetInput[]; params: { [key: string]: string }; seeds: { [key: string]: string }; hardware: { [key: string]: string }; missing: string[]
}
export interface MetricPoint { name: string; step: number; recordedAt: string; value: number }

export interface ModelVersion {
  model: string; version: number; stage: 'NONE' | 'STAGING' | 'PRODUCTION' | 'ARCHIVED'; folder?: string; source: string; description: string; tags: { [key: string]: string }; metrics: { [key: string]: number }
  params: { [key: string]: string }; run?: string; dataVersions: string[]; dataDigest: string; codeVersion: string
  dataUntil?: string; madeBy: string; createdAt: string
  signature: { inputs: { name: string; type: string }[]; outputs: { name: string; type: string }[] }
  files?: ModelFiles; held: string[]; trusted: boolean; trustedWithNetwork: boolean
}
export interface ModelFiles {
  flavors: string[]; inputExample?: string; requirements: string[]; count: number; bytes: number; remarks: string[]
  pickles: { path: string; verdict: 'ALLOWED' | 'REFUSED' | 'UNREADABLE'; refused: string[] }[]
}
export interface Model { name: string; description: string; versions: number; aliases: { [alias: string]: number }; tags: { [key: string]: string }; createdAt: string; newest?: ModelVersion }
export interface ModelView { name: string; description: string; tags: { [key: string]: string }; aliases: { [alias: string]: number }; versions: ModelVersion[] }

export interface Deployment {
  name: string; revision: number; champion?: number; championSince?: string; challenger?: number
  phase: 'NONE' | 'SHADOW' | 'CANARY'; share: number; phaseSince?: string; eventTime?: string
  definition: { model: string; view?: string; monitor?: string; policy?: string }
}
export interface Live { requests: number; errors: number; perSecond: number; p50Micros: number; p99Micros: number; shadowFailures: number; shadowDropped: number }
export interface Serving {
  state: 'EMPTY' | 'LOADING' | 'SERVING' | 'WITHOUT_CHALLENGER' | 'BROKEN'; reason: string; since: string; failures: number; retryAt?: string
}
export interface DeploymentView { deployment: Deployment; serving: Serving; live: Live; journal: { durable: boolean; dropped: number; dropReason?: string; unreadableFiles: number }; policy?: { [key: string]: Json } }
export interface Decision {
  position: number; at?: string; recordedAt: string; version?: number; reason: string; actor: string
  action: 'DEPLOYED' | 'SHADOWED' | 'CANARIED' | 'PROMOTED' | 'REJECTED' | 'ROLLED_BACK'; evidence: { [key: string]: Json }
}
export interface Obstacle {
  kind: string; actionNeeded: boolean; reason: string; remedy: string; from?: string | null; until?: string | null
}
export interface Watched {
  obstacles: Obstacle[]
  state?: { clock: { origin: string; watermark: string; declared: boolean; quarantined: number }; processed: string; windowsTill: string; lateLabels: number; halt?: { reason: string; since: string } | null }
  quarantineCause?: string
  quarantineRemedy?: string
}
export interface Month {
  month: string; rows: number; served: number; baseline: number; retrainings: number; promotions: number; rejections: number
}
export interface Drift {
  test: string; effect: number; pValue: number; adjustedPValue: number; populationStabilityIndex?: number; drifted: boolean
}
export interface ProfileColumn { edges?: number[]; values?: string[]; counts: number[] }
export interface Profile { rows?: number; columns?: { [column: string]: ProfileColumn } }
export interface MonitorWindow {
  startsAt: string; endsAt: string; version: number; rows: number; labelled: number; error?: number; referenceError?: number
  degraded: boolean; broken: boolean; faults: { column: string; missing: number; reference: number }[]; drift: { [column: string]: Drift }; profile: Profile
}
