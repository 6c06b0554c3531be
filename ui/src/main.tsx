import '@mantine/core/styles.css'
import './app.css'
import { ActionIcon, AppShell, Burger, createTheme, Group, Kbd, MantineProvider, Modal, Select, Stack, Table, Text, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { spotlight } from '@mantine/spotlight'
import { useDisclosure, useHotkeys } from '@mantine/hooks'
import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query'
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Link, Navigate, Outlet, RouterProvider, useNavigate } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ApiError, get } from './api/client'
import { useLive } from './api/live'
import type { Project } from './api/types'
import { DataSetPage, DataSets, FeatureViews } from './domains/data/Data'
import { DeploymentPage, Deployments } from './domains/deployments/Deployments'
import { Home } from './domains/home/Home'
import { ModelPage, Models } from './domains/models/Models'
import { Monitoring } from './domains/monitoring/Monitoring'
import { Pipelines } from './domains/pipelines/Pipelines'
import { SignIn } from './domains/identity/SignIn'
import { useProject } from './project'
import { Page, To } from './ui/page'
import { Palette } from './ui/Palette'

const RAIL: [label: string, path: string, key: string][] = [
  ['Home', '', 'h'], ['Data', '/data', 'd'], ['Features', '/features', 'f'], ['Pipelines', '/pipelines', 'p'], ['Experiments', '/experiments', 'e'],
  ['Models', '/models', 'm'], ['Deployments', '/deployments', 's'], ['Monitoring', '/monitoring', 'o'],
]

/** Puts the cursor into the page's filter, or opens the palette where it has none. */
const focusFilter = () => {
  const filter = document.querySelector<HTMLInputElement>('[data-filter]')
  if (filter) filter.focus()
  else spotlight.open()
}

/** Asks who is there before anything else is shown. */
function Shell() {
  const who = useQuery({ queryKey: ['whoami'], queryFn: () => get<{ user: string }>('/whoami'), retry: false })
  if (who.error instanceof ApiError && who.error.status === 401) return <SignIn onDone={() => void who.refetch()} />
  return who.isPending ? null : <Frame />
}

function Frame() {
  const project = useProject()
  const navigate = useNavigate()
  const live = useLive(project)
  const [menu, menuState] = useDisclosure(false)
  const [help, helpState] = useDisclosure(false)
  const projects = useQuery({ queryKey: ['projects'], queryFn: () => get<{ projects: Project[] }>('/projects') })
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light')
  useHotkeys([['/', focusFilter], ['?', helpState.open], ['shift+?', helpState.open], ...RAIL.map(([, path, key]): [string, () => void] => [`alt+${key}`, () => void navigate({ to: `/ui/${project}${path}` })])])
  return (
    <AppShell header={{ height: 48 }} navbar={{ width: 190, breakpoint: 'sm', collapsed: { mobile: !menu } }} padding="lg">
      <AppShell.Header px="md">
        <Group h="100%" justify="space-between">
          <Group gap="sm">
            <Burger opened={menu} onClick={menuState.toggle} hiddenFrom="sm" size="sm" aria-label="Menu" />
            <img src="/favicon.svg" width="22" height="22" alt="" /><Text fw={700}>Tidemill</Text>
            <Select size="xs" aria-label="Project" data={[...new Set([project, ...(projects.data?.projects.map((entry) => entry.name) ?? [])])]} value={project} allowDeselect={false} onChange={(value) => value && void navigate({ to: `/ui/${value}` })} />
          </Group>
          <Group gap="sm">
            <Text size="xs" c={live === 'live' ? 'green' : 'dimmed'}>{live === 'live' ? '● live' : '‖ paused'}</Text>
            <ActionIcon variant="subtle" aria-label="Change theme" onClick={() => setColorScheme(scheme === 'dark' ? 'light' : 'dark')}>{scheme === 'dark' ? '☀' : '☾'}</ActionIcon>
            <ActionIcon variant="subtle" aria-label="Keys" onClick={helpState.open}>?</ActionIcon>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" className="rail">
        {RAIL.map(([label, path]) => <Link key={label} to={`/ui/${project}${path}`} activeOptions={{ exact: path === '' }} onClick={menuState.close}>{label}</Link>)}
      </AppShell.Navbar>
      <AppShell.Main><Outlet /></AppShell.Main>
      <Palette project={project} screens={RAIL} />
      <Modal opened={help} onClose={helpState.close} title="Keys">
        <Table><Table.Tbody>{RAIL.map(([label, , key]) => <Table.Tr key={key}><Table.Td><Kbd>Alt</Kbd> <Kbd>{key.toUpperCase()}</Kbd></Table.Td><Table.Td>{label}</Table.Td></Table.Tr>)}<Table.Tr><Table.Td><Kbd>Ctrl</Kbd> <Kbd>K</Kbd></Table.Td><Table.Td>Go to anything by name</Table.Td></Table.Tr><Table.Tr><Table.Td><Kbd>/</Kbd></Table.Td><Table.Td>Filter this page</Table.Td></Table.Tr><Table.Tr><Table.Td><Kbd>j</Kbd> <Kbd>k</Kbd> <Kbd>x</Kbd> <Kbd>Enter</Kbd></Table.Td><Table.Td>Next, previous, select and open a row</Table.Td></Table.Tr><Table.Tr><Table.Td><Kbd>?</Kbd></Table.Td><Table.Td>This list</Table.Td></Table.Tr></Table.Tbody></Table>
      </Modal>
    </AppShell>
  )
}

function NotFound() {
  const project = useProject()
  return <Page title="There is no such page"><Stack><Text>The address may have been mistyped.</Text><To to={`/ui/${project}`}>Go home</To></Stack></Page>
}

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound })
/** The mlflow client prints links such as /#/experiments/3/runs/0a1b; they lead to the run's page. */
function Start() {
  const run = /^#\/experiments\/\d+\/runs\/([0-9a-f]{32})/.exec(window.location.hash)
  return <Navigate to={run ? `/ui/default/experiments/${run[1]}` : window.location.hash.startsWith('#/experiments') ? '/ui/default/experiments' : '/ui/default'} replace />
}

const start = createRoute({ getParentRoute: () => root, path: '/', component: Start })
const shell = createRoute({ getParentRoute: () => root, path: '/ui/$project', component: Shell, notFoundComponent: NotFound })
const page = (path: string, component: () => React.ReactNode) => createRoute({ getParentRoute: () => shell, path, component })
const router = createRouter({
  routeTree: root.addChildren([
    start,
    shell.addChildren([
      page('/', Home), page('/data', DataSets), page('/data/$dataSet', DataSetPage), page('/features', FeatureViews), page('/pipelines', Pipelines),
      // The graph's libraries are large and needed on this page only.
      createRoute({ getParentRoute: () => shell, path: '/pipelines/runs/$run', component: lazyRouteComponent(() => import('./domains/pipelines/RunPage'), 'RunPage') }),
      
      createRoute({ getParentRoute: () => shell, path: '/experiments', component: lazyRouteComponent(() => import('./domains/experiments/Runs'), 'Runs') }),
      createRoute({ getParentRoute: () => shell, path: '/experiments/compare', component: lazyRouteComponent(() => import('./domains/experiments/Compare'), 'Compare') }),
      createRoute({ getParentRoute: () => shell, path: '/experiments/$run', component: lazyRouteComponent(() => import('./domains/experiments/Run'), 'TrackedRunPage') }),
      page('/models', Models), page('/models/$model', ModelPage),
      page('/deployments', Deployments), page('/deployments/$deployment', DeploymentPage), page('/monitoring', Monitoring),
    ]),
  ]),
  defaultPreload: 'intent',
  defaultNotFoundComponent: NotFound,
})
declare module '@tanstack/react-router' { interface Register { router: typeof router } }

const queries = new QueryClient({ defaultOptions: { queries: { staleTime: 2000, retry: 1, refetchOnWindowFocus: true } } })
const theme = createTheme({ primaryColor: 'blue', defaultRadius: 'md', fontFamily: 'system-ui, -apple-system, Segoe UI, Roboto, sans-serif' })
const host = document.getElementById('root')
if (host) createRoot(host).render(<StrictMode><QueryClientProvider client={queries}><MantineProvider theme={theme} defaultColorScheme="auto"><RouterProvider router={router} /></MantineProvider></QueryClientProvider></StrictMode>)
