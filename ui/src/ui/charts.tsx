import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { stretch } from './curves'
import { number } from './format'

export interface Series { label: string; values: (number | null)[]; colour: string; dash?: number[]; /** Marks only, no line. */ dots?: boolean }

/** Colours that mean the same everywhere. */
export const COLOUR = {
  champion: '#1c7ed6', challenger: '#f76707', shadow: '#7048e8', reference: '#868e96', good: '#2f9e44', bad: '#e03131',
}

/** Curves over time or step, with a shared cursor on the page. */
export function Curves(props: { x: number[]; time?: boolean; series: Series[]; unit: string; height?: number; sync?: string }) {
  const host = useRef<HTMLDivElement>(null)
  const dark = useComputedColorScheme('light') === 'dark'
  const { x, time, series, unit, height = 240, sync } = props
  useEffect(() => {
    const element = host.current
    if (!element) return
    const ink = dark ? '#c1c2c5' : '#495057'
    const grid = { stroke: dark ? '#373a40' : '#e9ecef', width: 1 }
    const options: uPlot.Options = {
      width: element.clientWidth || 600,
      height,
      ...(sync ? { cursor: { sync: { key: sync } } } : {}),
      scales: { x: { time: time ?? false, range: (_, low, high) => stretch(low, high, time ?? false) }, y: { range: (_, low, high) => [Math.min(0, low), high * 1.08 || 1] } },
      axes: [{ stroke: ink, grid }, { stroke: ink, grid, label: unit, labelSize: 20, size: 54 }],
      series: [
        {},
        ...series.map((line) => ({
          label: line.label, stroke: line.colour, width: line.dots ? 0 : 2, spanGaps: !line.dots,
          points: line.dots ? { show: true, size: 11, width: 3, stroke: line.colour } : { show: x.length < 80 },
          ...(line.dash ? { dash: line.dash } : {}),
          value: (_: uPlot, value: number | null) => (value === null ? '–' : number(value, 4)),
        })),
      ],
    }
    const plot = new uPlot(options, [x, ...series.map((line) => line.values)], element)
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      plot.destroy()
    }
  }, [x, series, unit, time, height, sync, dark])
  return <div ref={host} role="img" aria-label={`${series.map((line) => line.label).join(', ')} in ${unit}`} style={{ width: '100%' }} />
}

/** Two distributions in the same bins, drawn over one another as shares. */
export function Distributions(props: { labels: string[]; reference: number[]; current: number[] }) {
  const share = (counts: number[]) => {
    const total = counts.reduce((sum, count) => sum + count, 0) || 1
    return counts.map((count) => count / total)
  }
  const reference = share(props.reference)
  const current = share(props.current)
  const top = Math.max(0.001, ...reference, ...current)
  const width = 720
  const height = 200
  const step = width / Math.max(1, reference.length)
  const bars = (shares: number[], colour: string, opacity: number, inset: number) =>
    shares.map((value, index) => (
      <rect key={index} x={index * step + inset} y={height - (value / top) * height} width={Math.max(1, step - 2 * inset)}
        height={(value / top) * height} fill={colour} opacity={opacity}>
        <title>{`${props.labels[index] ?? ''}: ${(value * 100).toFixed(1)} %`}</title>
      </rect>
    ))
  const every = Math.ceil(reference.length / 8)
  return (
    <svg viewBox={`0 -6 ${width} ${height + 34}`} width="100%" role="img" aria-label="reference and current distribution">
      {bars(reference, COLOUR.reference, 0.55, 0.5)}
      {bars(current, COLOUR.champion, 0.6, Math.min(4, step / 5))}
      <line x1="0" x2={width} y1={height} y2={height} stroke="var(--mantine-color-gray-5)" />
      {props.labels.map((label, index) =>
        index % every === 0 ? (
          <text key={index} x={index * step + step / 2} y={height + 16} fontSize="11" textAnchor="middle" fill="var(--mantine-color-dimmed)">
            {label.slice(0, 14)}
          </text>
        ) : null,
      )}
    </svg>
  )
}
