import { Alert, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { get, inProject } from '../../api/client'
import type { Obstacle, Watched } from '../../api/types'
import { useProject } from '../../project'

/** How far the watching of a deployment has come, and what keeps it from acting. */
export function useWatched(name: string | undefined) {
  const project = useProject()
  return useQuery({ queryKey: [project, 'watched', name], enabled: !!name, queryFn: () => get<Watched>(inProject(project, `/deployments/${name}/monitoring`)), refetchInterval: 5000 })
}

/** Why nothing happens: what somebody has to mend stands out, what is only waited for is one line each. */
export function Why({ obstacles }: { obstacles: Obstacle[] }) {
  const waits = obstacles.filter((obstacle) => !obstacle.actionNeeded)
  return (
    <Stack gap="xs" role="region" aria-label="Why nothing happens">
      {obstacles.filter((obstacle) => obstacle.actionNeeded).map((obstacle) => (
        <Alert key={obstacle.kind} color={obstacle.kind === 'NOT_SERVED' || obstacle.kind === 'HALTED' || obstacle.kind === 'CHAMPION_DELETED' ? 'red' : 'yellow'} title={title(obstacle)}>
          <Text size="sm">{sentence(obstacle.reason)}</Text>
          <Text size="sm" c="dimmed">{sentence(obstacle.remedy)}</Text>
        </Alert>))}
      {waits.map((obstacle) => <Text key={obstacle.kind} size="sm" c="dimmed"><b>{title(obstacle)}:</b> {obstacle.reason}. {sentence(obstacle.remedy)}</Text>)}
    </Stack>
  )
}

const title = (obstacle: Obstacle): string => {
  const words = obstacle.kind.toLowerCase().replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
