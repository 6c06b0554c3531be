// Walks the screens of a server on which the demo has run, as a user would, and takes a picture of each.
// Arguments: server URL, project, path of Chromium, folder for the pictures.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { chromium } from 'playwright-core'

const [url, project, executablePath, shots] = process.argv.slice(2)
await mkdir(shots, { recursive: true })
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})
const problems = []
// As `PATIENCE` of e2e/harness.py; what is there waits no longer than it takes.
const PATIENCE = 180_000

async function walk(colorScheme) {
  const page = await browser.newPage({ viewport: { width: 1360, height: 900 }, colorScheme })
  page.setDefaultTimeout(PATIENCE)
  page.on('pageerror', (error) => problems.push(`${page.url()}: ${error.message}`))
  page.on('console', (message) => message.type() === 'error' && problems.push(`${page.url()}: ${message.text()}`))
  const shot = (name) => page.screenshot({ path: `${shots}/${name}-${colorScheme}.png`, fullPage: true })
  const open = async (path, text) => {
    await page.goto(`${url}/ui/${project}${path}`)
    await page.getByText(text, { exact: false }).first().waitFor()
  }

  await open('', 'Served models')
  await page.getByText('● live').waitFor()
  await shot('home')

  await page.keyboard.press('Control+k')
  await page.getByLabel('Go to').fill('bike-dem')
  await page.getByText('Model', { exact: true }).waitFor()
  await shot('palette')
  await page.keyboard.press('Enter')
  await page.waitForURL(/models\/bike-demand/)
  await page.goBack()

  await page.getByRole('link', { name: 'Pipelines' }).click()
  await page.getByRole('cell', { name: /succeeded/ }).first().waitFor()
  await shot('pipelines')
  await page.locator('tbody tr a').last().click()
  await page.getByRole('button', { name: /trial\.0/ }).waitFor()
  await page.getByRole('button', { name: /trial\.0/ }).click()
  await page.waitForURL(/step=trial\.0/)
  await page.getByText('rows to train on').waitFor()
  await shot('run')

  await open('/data/rentals', 'Columns')
  await page.getByRole('tab', { name: 'Sample' }).click()
  await page.getByRole('columnheader', { name: 'humidity' }).waitFor()
  await shot('data')
  await open('/features', 'rental-features')
  await page.getByRole('link', { name: 'rental-features' }).first().click()
  await page.getByText('Columns').first().waitFor()
  await open('/features', 'rental-features')

  await open('/experiments', 'runs')
  await page.locator('.runs-row a').first().waitFor()
  await shot('experiments')
  await page.keyboard.press('/')
  await page.keyboard.type("params.max_depth = '6' AND metrics.mean_absolute_error < 1000")
  await page.waitForURL(/filter=/)
  await page.getByText(/^\d+ runs$/).waitFor()
  const filtered = page.url()
  await page.goto(filtered)
  assert.equal(await page.getByRole('combobox', { name: 'Filter' }).inputValue(), "params.max_depth = '6' AND metrics.mean_absolute_error < 1000")
  await page.locator('.runs-row a').first().waitFor()
  await page.locator('.runs').focus()
  for (const key of ['j', 'x', 'j', 'x']) await page.keyboard.press(key)
  await page.getByText('2 selected').waitFor()
  await page.getByRole('button', { name: 'Compare', exact: true }).click()
  await page.waitForURL(/compare/)
  await page.getByRole('heading', { name: 'Compare 2 runs' }).waitFor()
  await page.locator('canvas').first().waitFor()
  await shot('compare')
  await page.goto(`${url}/ui/${project}/experiments`)
  await page.locator('.runs-row a').first().click()
  await page.getByRole('tab', { name: 'Curves' }).click()
  await page.locator('canvas').first().waitFor()
  await page.getByRole('switch', { name: 'Logarithmic' }).click()
  await page.waitForURL(/log=yes/)
  await shot('experiment-run')
  await page.getByRole('tab', { name: 'Reproduce' }).click()
  await page.getByText('tidemill runs reproduce').waitFor()
  if (colorScheme === 'light') {
    await open('/experiments', 'runs')
    await page.getByRole('button', { name: 'Views' }).click()
    await page.getByLabel('Name of this view').fill('all of them')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('menuitem', { name: 'all of them' }).waitFor()
    await page.keyboard.press('Escape')
  }

  await open('/models', 'bike-demand')
  await open('/deployments', 'bikes')

  await open('/models/bike-demand', 'Takes')
  await page.getByText('Try it').waitFor()
  await page.getByRole('button', { name: 'Predict' }).click()
  await page.getByText('answers').waitFor()
  await page.getByText('champion').first().waitFor()
  await shot('model')
  await page.getByRole('button', { name: 'Score data' }).click()
  await page.getByRole('combobox', { name: 'Data set' }).click()
  await page.getByRole('option', { name: 'rental-features', exact: true }).click()
  await page.getByText('tidemill score bike-demand').waitFor()
  await shot('score')
  await page.getByRole('button', { name: 'Score', exact: true }).click()
  await page.waitForURL(/pipelines\/runs/)
  await page.getByText('succeeded').first().waitFor()
  await page.getByText('rental-features-scored').first().waitFor()
  await shot('scored')

  await open('/deployments/bikes', 'Error by month')
  await page.getByText('promoted').first().waitFor()
  await page.locator('canvas').first().waitFor()
  await shot('deployment')

  await open('/monitoring', 'Drift from the reference')
  await page.locator('.heat button').first().click()
  await page.waitForURL(/feature=/)
  const address = page.url()
  await shot('monitoring')
  await page.goto(address)
  await page.locator('.heat button[aria-pressed="true"]').waitFor()

  await page.goto(`${url}/ui/${project}/nothing/here`)
  await page.getByText('There is no such page').waitFor()
  await page.goto(`${url}/ui/no-such-project`)
  await page.getByText("There is no project 'no-such-project'").first().waitFor()
  await page.close()
}

await walk('light')
await walk('dark')
await browser.close()
const unexpected = problems.filter((problem) => !problem.includes('no-such-project') && !problem.includes('404'))
assert.deepEqual(unexpected, [])
console.log('every screen was walked, light and dark')
