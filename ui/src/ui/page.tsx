import { Anchor, Breadcrumbs, Group, Stack, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'

/** A link inside the application. */
export function To({ to, children }: { to: string; children: ReactNode }) {
  return <Anchor renderRoot={(props) => <Link to={to} {...props} />} size="sm">{children}</Anchor>
}

/** The frame of every page: where one is, what it is, and its place in the loop. */
export function Page(props: {
  path?: { label: string; to: string }[]
  title: string
  status?: ReactNode
  action?: ReactNode
  chain?: ReactNode
  children: ReactNode
}) {
  return (
    <Stack gap="md">
      <div>
        {props.path && (
          <Breadcrumbs separator="›" mb={4}>
            {props.path.map((part) => <To key={part.to} to={part.to}>{part.label}</To>)}
          </Breadcrumbs>
        )}
        <Group justify="space-between">
          <Group gap="sm">
            <Title order={2} fz={22}>{props.title}</Title>
            {props.status}
          </Group>
          {props.action}
        </Group>
        {props.chain && <Text size="sm" c="dimmed" mt={4} component="div">{props.chain}</Text>}
      </div>
      {props.children}
    </Stack>
  )
}

/** The strip that leads from a thing to what made it and what it made. */
export function Chain({ links }: { links: ({ label: string; to: string } | undefined)[] }) {
  const known = links.filter((link) => link !== undefined)
  return (
    <Group gap={6}>
      {known.map((link, index) => (
        <Group gap={6} key={link.to + link.label}>
          {index > 0 && <Text span c="dimmed" aria-hidden="true">→</Text>}
          <To to={link.to}>{link.label}</To>
        </Group>
      ))}
    </Group>
  )
}
