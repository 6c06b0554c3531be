import { Alert, Button, Text } from '@mantine/core'
import type { Serving } from '../../api/types'
import { ago, clock, number } from '../../ui/format'

/** What keeps a deployment from being served as it was decided: an environment that is being built is waited for, all else is to be mended. */
export function ServingAlert({ serving, rollBack, retry }: { serving: Serving; rollBack: string; retry: () => void }) {
  if (!serving.reason) return null
  const waits = serving.state === 'LOADING'
  return (
    <Alert color={waits ? 'blue' : 'red'} title={title(serving.state)}>
      <Text size="sm">{serving.reason}</Text>
      {waits
        ? <Text size="sm">Since {ago(serving.since)}; it is looked for by itself.</Text>
        : <>
            <Text size="sm">Since {ago(serving.since)}; tried {number(serving.failures)} times{serving.retryAt ? `, again at ${clock(serving.retryAt)}` : ''}. Another version can be put in its place: POST {rollBack} with its number.</Text>
            <Button mt="xs" size="xs" variant="light" onClick={retry}>Try again now</Button>
          </>}
    </Alert>
  )
}

const title = (state: Serving['state']): string =>
  state === 'LOADING' ? 'What this deployment needs is being made' : state === 'BROKEN' ? 'This deployment cannot be served' : 'The challenger cannot be loaded'
