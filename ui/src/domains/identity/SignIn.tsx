import { Alert, Anchor, Button, Card, Center, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { post } from '../../api/client'

/** Signs in; on a server without an administrator, makes the first one with the one-time secret that the server printed. */
export function SignIn({ onDone }: { onDone: () => void }) {
  const [first, setFirst] = useState(false)
  const [fields, setFields] = useState({ name: '', password: '', secret: '' })
  const submit = useMutation({
    mutationFn: async () => {
      if (first) await post('/setup', fields)
      await post('/session', { name: fields.name, password: fields.password })
    },
    onSuccess: onDone,
  })
  const set = (key: keyof typeof fields) => (event: FormEvent<HTMLInputElement>) => setFields({ ...fields, [key]: event.currentTarget.value })
  return (
    <Center mih="100vh">
      <Card withBorder w={380} padding="lg">
        <form onSubmit={(event) => { event.preventDefault(); submit.mutate() }}>
          <Stack>
            <Title order={2} fz={20}>{first ? 'Make the first administrator' : 'Sign in to Tidemill'}</Title>
            {first && <TextInput label="One-time secret" description="The server printed it when it started" required value={fields.secret} onChange={set('secret')} />}
            <TextInput label="User name" autoComplete="username" required value={fields.name} onChange={set('name')} />
            <PasswordInput label="Password" autoComplete={first ? 'new-password' : 'current-password'} required minLength={first ? 12 : 1} value={fields.password} onChange={set('password')} />
            {submit.error && <Alert color="red" variant="light">{submit.error.message}</Alert>}
            <Button type="submit" loading={submit.isPending}>{first ? 'Create and sign in' : 'Sign in'}</Button>
            <Text size="sm" c="dimmed">{first ? 'There is an account already? ' : 'No administrator yet? '}<Anchor component="button" type="button" size="sm" onClick={() => setFirst(!first)}>{first ? 'Sign in' : 'Use the one-time secret'}</Anchor></Text>
          </Stack>
        </form>
      </Card>
    </Center>
  )
}
