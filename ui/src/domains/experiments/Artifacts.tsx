import { Anchor, Breadcrumbs, Button, Code, Group, ScrollArea, SimpleGrid, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { file, get, inProject } from '../../api/client'
import type { ArtifactEntry, TrackedRun } from '../../api/types'
import { Empty, Loaded } from '../../ui/states'
import { useView } from '../../ui/view'

const LARGEST_PREVIEW = 2_000_000
const IMAGES: { [ending: string]: string } = { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp', svg: 'image/svg+xml' }
const size = (bytes: number): string => (bytes < 1024 ? `${bytes} B` : bytes < 1_048_576 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1_048_576).toFixed(1)} MB`)
const address = (project: string, run: string, path: string): string => inProject(project, `/runs/${run}/files/${path.split('/').map(encodeURIComponent).join('/')}`)

/** The run's files as a tree, and a look into the one that is chosen. */
export function Artifacts({ project, run }: { project: string; run: TrackedRun }) {
  const [view, change] = useView()
  const folder = view['folder'] ?? ''
  const chosen = view['file']
  const query = useQuery({ queryKey: [project, 'runs', run.id, 'artifacts', folder], queryFn: () => get<{ files?: ArtifactEntry[] }>(inProject(project, `/runs/${run.id}/artifacts?path=${encodeURIComponent(folder)}`)) })
  const parts = folder ? folder.split('/') : []
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <div>
        <Breadcrumbs separator="/"><Anchor component="button" type="button" size="sm" onClick={() => change({ folder: undefined })}>artifacts</Anchor>{parts.map((part, index) => <Anchor key={index} component="button" type="button" size="sm" onClick={() => change({ folder: parts.slice(0, index + 1).join('/') })}>{part}</Anchor>)}</Breadcrumbs>
        <Loaded query={query}>
          {({ files = [] }) => files.length === 0 ? <Empty text="Nothing here." command={'mlflow.log_artifact("report.html")'} /> : (
            <Table highlightOnHover><Table.Tbody>{files.map((entry) => (
              <Table.Tr key={entry.path} bg={entry.path === chosen ? 'var(--mantine-primary-color-light)' : undefined}>
                <Table.Td><Anchor component="button" type="button" size="sm" onClick={() => change(entry.is_dir ? { folder: entry.path } : { file: entry.path })}>{entry.path.split('/').at(-1)}{entry.is_dir ? '/' : ''}</Anchor></Table.Td>
                <Table.Td ta="right">{entry.file_size === undefined ? '' : size(entry.file_size)}</Table.Td>
              </Table.Tr>))}</Table.Tbody></Table>)}
        </Loaded>
      </div>
      {chosen && <Preview key={chosen} project={project} run={run.id} path={chosen} />}
    </SimpleGrid>
  )
}

function Preview({ project, run, path }: { project: string; run: string; path: string }) {
  const ending = path.split('.').at(-1)?.toLowerCase() ?? ''
  const [large, setLarge] = useState(false)
  const query = useQuery({ queryKey: [project, 'runs', run, 'file', path], queryFn: () => file(address(project, run, path)), staleTime: Infinity })
  return (
    <div>
      <Group justify="space-between" mb="xs"><Code>{path}</Code><Button component="a" size="compact-xs" variant="light" href={`/api/tidemill/v1${address(project, run, path)}`} download>Download</Button></Group>
      <Loaded query={query}>
        {(content) => content.size > LARGEST_PREVIEW && !large ? <Text size="sm" c="dimmed">{size(content.size)}: <Button size="compact-xs" variant="subtle" onClick={() => setLarge(true)}>show all the same</Button></Text>
          : IMAGES[ending] ? <Picture content={content} type={IMAGES[ending]} path={path} /> : ending === 'html' || ending === 'htm' ? <Sandboxed content={content} /> : <Writing content={content} table={ending === 'csv' || ending === 'tsv' ? ending : undefined} json={ending === 'json'} />}
      </Loaded>
    </div>
  )
}

/** Drawn by an image element, which runs no script of an SVG. */
function Picture({ content, type, path }: { content: Blob; type: string; path: string }) {
  const [source, setSource] = useState<string>()
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([content], { type }))
    setSource(made)
    return () => URL.revokeObjectURL(made)
  }, [content, type])
  return source ? <img src={source} alt={path} style={{ maxWidth: '100%' }} /> : null
}

const useText = (content: Blob): string | undefined => {
  const [text, setText] = useState<string>()
  useEffect(() => void content.text().then(setText), [content])
  return text
}

/** A page that somebody has stored: an origin of its own, no scripts, nothing of ours within its reach. */
function Sandboxed({ content }: { content: Blob }) {
  const text = useText(content)
  if (text === undefined) return null
  return <iframe title="Stored page" sandbox="" referrerPolicy="no-referrer" srcDoc={text} style={{ width: '100%', height: 480, border: '1px solid var(--mantine-color-default-border)', borderRadius: 8, background: 'white' }} />
}

function Writing({ content, table, json }: { content: Blob; table: string | undefined; json: boolean }) {
  const text = useText(content)
  if (text === undefined) return null
  if (text.slice(0, 2000).includes('\0')) return <Text size="sm" c="dimmed">A binary file of {size(content.size)}.</Text>
  if (table) {
    const rows = text.split('\n', 101).filter(Boolean).map((line) => line.split(table === 'tsv' ? '\t' : ','))
    return <ScrollArea><Table striped><Table.Thead><Table.Tr>{rows[0]?.map((cell, index) => <Table.Th key={index}>{cell}</Table.Th>)}</Table.Tr></Table.Thead><Table.Tbody>{rows.slice(1).map((row, index) => <Table.Tr key={index}>{row.map((cell, place) => <Table.Td key={place}>{cell}</Table.Td>)}</Table.Tr>)}</Table.Tbody></Table></ScrollArea>
  }
  let shown = text
  if (json) try { shown = JSON.stringify(JSON.parse(text), null, 2) } catch { shown = text }
  return <ScrollArea.Autosize mah={520}><Code block>{shown.slice(0, 200_000)}</Code></ScrollArea.Autosize>
}
