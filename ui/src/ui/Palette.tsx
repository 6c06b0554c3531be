import '@mantine/spotlight/styles.css'
import { Spotlight, type SpotlightActionData } from '@mantine/spotlight'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { get, inProject } from '../api/client'
import type { DataSet, DeploymentView, FeatureView, Model, PipelineVersion } from '../api/types'

type Screen = readonly [label: string, path: string, key: string]

/** Finds any screen or thing of the project by its name: Ctrl-K, or ⌘-K. */
export function Palette({ project, screens }: { project: string; screens: readonly Screen[] }) {
  const navigate = useNavigate()
  const list = <T,>(path: string) => ({ queryKey: ['palette', project, path], queryFn: () => get<T>(inProject(project, path)), staleTime: 10_000 })
  const models = useQuery(list<{ models: Model[] }>('/models?limit=1000'))
  const deployments = useQuery(list<{ deployments: DeploymentView[] }>('/deployments'))
  const pipelines = useQuery(list<{ pipelines: PipelineVersion[] }>('/pipelines'))
  const dataSets = useQuery(list<{ dataSets: DataSet[] }>('/data-sets'))
  const views = useQuery(list<{ featureViews: FeatureView[] }>('/feature-views'))
  const item = (kind: string, name: string, path: string): SpotlightActionData => ({
    id: `${kind}/${name}`, label: name, description: kind, onClick: () => void navigate({ to: `/ui/${project}${path}` }),
  })
  const actions = [
    ...screens.map(([label, path]) => item('Screen', label, path)),
    ...(deployments.data?.deployments ?? []).map(({ deployment }) => item('Deployment', deployment.name, `/deployments/${deployment.name}`)),
    ...(models.data?.models ?? []).map(({ name }) => item('Model', name, `/models/${name}`)),
    ...(pipelines.data?.pipelines ?? []).map(({ name }) => item('Pipeline', name, `/pipelines?pipeline=${name}`)),
    ...(dataSets.data?.dataSets ?? []).map(({ name }) => item('Data set', name, `/data/${name}`)),
    ...(views.data?.featureViews ?? []).map(({ name }) => item('Feature view', name, '/features')),
  ]
  return (
    <Spotlight
      actions={actions} shortcut="mod + K" highlightQuery limit={12} scrollable maxHeight={420}
      nothingFound="Nothing has that name." searchProps={{ placeholder: 'Go to a screen, model, deployment, pipeline or data set', 'aria-label': 'Go to' }}
    />
  )
}
