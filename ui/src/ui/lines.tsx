import { Group, SegmentedControl, Slider, Switch, Text, useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { Curve } from '../api/types'
import { type Axis, axisOf, gaps, rising } from './curves'
import { marks, number } from './format'
import type { ViewState } from './view'

/** Colours that tell things apart that have no colour of their own. */
export const PALETTE = ['#1c7ed6', '#f76707', '#2f9e44', '#7048e8', '#e03131', '#0c8599', '#e8590c', '#5c940d', '#9c36b5', '#868e96']

/** A run's colour: by its place among those that are labelled, so that it is the same in every plot of a screen. */
const colour = (run: string, labels: Map<string, string>): string => PALETTE[Math.max(0, [...labels.keys()].indexOf(run)) % PALETTE.length] ?? '#888'

/** Marks at the foot of a plot where a value is no number. */
function markGaps(plot: uPlot): void {
  const { ctx, bbox, data } = plot
  const size = 3 * devicePixelRatio
  const y = bbox.top + bbox.height - 2 * size
  ctx.save()
  ctx.lineWidth = 1.5 * devicePixelRatio
  data.slice(1).forEach((row, series) => {
    const stroke = plot.series[series + 1]?.stroke
    ctx.strokeStyle = typeof stroke === 'function' ? String(stroke(plot, series + 1)) : '#888'
    ctx.beginPath()
    row.forEach((value, index) => {
      const x = value === null ? plot.valToPos(data[0][index] ?? 0, 'x', true) : Number.NaN
      if (!(x >= bbox.left && x <= bbox.left + bbox.width)) return
      ctx.moveTo(x - size, y - size)
      ctx.lineTo(x + size, y + size)
      ctx.moveTo(x - size, y + size)
      ctx.lineTo(x + size, y - size)
    })
    ctx.stroke()
  })
  ctx.restore()
}

/** One metric of one or many runs. */
export function Lines(props: { title: string; curves: Curve[]; labels: Map<string, string>; axis: Axis; logarithmic: boolean; smoothing: number; height?: number; onZoom?: (first: number, last: number) => void }) {
  const host = useRef<HTMLDivElement>(null)
  const dark = useComputedColorScheme('light') === 'dark'
  const { title, curves, labels, logarithmic, smoothing, height = 230 } = props
  const axis = axisOf(curves, props.axis)
  const missing = gaps(curves)
  const single = curves.length > 0 && curves.every((curve) => curve.values.length === 1)
  useEffect(() => {
    const element = host.current
    if (!element || curves.length === 0 || single) return
    const ink = dark ? '#c1c2c5' : '#495057'
    const grid = { stroke: dark ? '#373a40' : '#e9ecef', width: 1 }
    const many = curves.length > 12
    const options: uPlot.Options = {
      width: element.clientWidth || 600, height, legend: { show: !many && curves.length > 1 }, cursor: { sync: { key: 'runs' }, focus: { prox: 16 } }, focus: { alpha: 0.25 },
      scales: { x: { time: axis === 'time' }, y: logarithmic ? { distr: 3 } : {} },
      axes: [{ stroke: ink, grid, label: axis === 'relative' ? 'seconds since its start' : axis, labelSize: 18, size: 40 }, { stroke: ink, grid, size: 62, values: (_, ticks) => marks(ticks) }],
      series: [{}, ...curves.map((curve) => ({
        label: labels.get(curve.run) ?? curve.run.slice(0, 8), stroke: colour(curve.run, labels), width: many ? 1 : 1.75, spanGaps: false,
        points: { show: curve.values.length === 1 }, value: (_: uPlot, value: number | null) => number(value, 5),
      }))],
      hooks: { draw: [markGaps] },
    }
    const tables = curves.map((curve) => rising(curve, axis, smoothing)) as uPlot.AlignedData[]
    const data = uPlot.join(tables)
    if (logarithmic) for (const row of data.slice(1)) for (let i = 0; i < row.length; i++) { const value = row[i]; if (typeof value === 'number' && value <= 0) (row as (number | null | undefined)[])[i] = undefined }
    const plot = new uPlot(options, data, element)
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }))
    observer.observe(element)
    return () => { observer.disconnect(); plot.destroy() }
  }, [curves, labels, axis, logarithmic, smoothing, height, dark, single])
  const kinds = single ? (['csv'] as const) : (['png', 'csv'] as const)
  const save = (kind: 'csv' | 'png') => {
    const link = document.createElement('a')
    link.download = `${title.replace(/[^\w.-]+/g, '_')}.${kind}`
    if (kind === 'png') link.href = host.current?.querySelector('canvas')?.toDataURL('image/png') ?? ''
    else link.href = URL.createObjectURL(new Blob([['run,step,time,value', ...curves.flatMap((curve) => curve.steps.map((step, i) => `${curve.run},${step},${new Date(curve.times[i] ?? 0).toISOString()},${curve.values[i] ?? ''}`))].join('\n')], { type: 'text/csv' }))
    link.click()
  }
  return (
    <div>
      <Group justify="space-between" gap={4}><Text size="sm" fw={600}>{title}{missing > 0 && <Text span size="xs" c="dimmed" fw={400}> · {missing.toLocaleString('en')} NaN, marked ×</Text>}</Text><Group gap={8}>{kinds.map((kind) => <Text key={kind} component="button" type="button" size="xs" c="dimmed" className="plain" onClick={() => save(kind)} aria-label={`Download ${title} as ${kind.toUpperCase()}`}>{kind}</Text>)}</Group></Group>
      {single ? <Values curves={curves} labels={labels} height={height} /> : curves.some((curve) => curve.values.length > 0) ? <div ref={host} role="img" aria-label={`${title} by ${axis}`} /> : <Text size="sm" c="dimmed">No point.</Text>}
    </div>
  )
}

/** A metric that each run logged once: a number for one run, a bar a run for several. */
function Values({ curves, labels, height }: { curves: Curve[]; labels: Map<string, string>; height: number }) {
  if (curves.length === 1) return <Text fz={28} fw={600} py="xs">{number(curves[0]?.values[0], 5)}</Text>
  const widest = Math.max(...curves.map((curve) => Math.abs(curve.values[0] ?? 0)), Number.MIN_VALUE)
  return (
    <div className="values" style={{ maxHeight: height }}>
      {curves.map((curve) => (
        <div key={curve.run}>
          <Text size="xs" truncate>{labels.get(curve.run) ?? curve.run.slice(0, 8)}</Text>
          <div><div style={{ width: `${(100 * Math.abs(curve.values[0] ?? 0)) / widest}%`, background: colour(curve.run, labels) }} /></div>
          <Text size="xs" ta="right">{number(curve.values[0], 5)}</Text>
        </div>
      ))}
    </div>
  )
}

/** How curves are drawn; kept in the address. */
export function LineControls({ view, change }: { view: ViewState; change: (patch: ViewState) => void }) {
  const smoothing = Number(view['smoothing'] ?? 0)
  return (
    <Group gap="lg">
      <SegmentedControl size="xs" aria-label="Axis" data={[{ value: 'step', label: 'Step' }, { value: 'time', label: 'Time' }, { value: 'relative', label: 'Relative' }]} value={view['axis'] ?? 'step'} onChange={(axis) => change({ axis: axis === 'step' ? undefined : axis })} />
      <Switch size="xs" label="Logarithmic" checked={view['log'] === 'yes'} onChange={(event) => change({ log: event.currentTarget.checked ? 'yes' : undefined })} />
      <Group gap="xs"><Text size="xs">Smoothing</Text><Slider w={130} size="sm" min={0} max={0.99} step={0.01} label={(value) => value.toFixed(2)} defaultValue={smoothing} onChangeEnd={(value) => change({ smoothing: value === 0 ? undefined : String(value) })} thumbProps={{ 'aria-label': 'Smoothing' }} /></Group>
    </Group>
  )
}

export const drawnAs = (view: ViewState): { axis: Axis; logarithmic: boolean; smoothing: number } => ({
  axis: (['time', 'relative'].includes(view['axis'] ?? '') ? view['axis'] : 'step') as Axis, logarithmic: view['log'] === 'yes', smoothing: Math.min(0.99, Math.max(0, Number(view['smoothing'] ?? 0) || 0)),
})
