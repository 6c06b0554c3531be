import { useComputedColorScheme } from '@mantine/core'
import { ParallelChart, ScatterChart } from 'echarts/charts'
import { GridComponent, ParallelComponent, TooltipComponent, VisualMapComponent } from 'echarts/components'
import * as echarts from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'
import { PALETTE } from './lines'

echarts.use([ParallelChart, ScatterChart, GridComponent, ParallelComponent, TooltipComponent, VisualMapComponent, CanvasRenderer])

export interface Dimension { key: string; label: string; values: (number | string | null)[] }

const numeric = (dimension: Dimension): boolean => dimension.values.every((value) => value === null || typeof value === 'number')

function useChart(option: echarts.EChartsCoreOption, events?: { [name: string]: (chart: echarts.ECharts) => void }) {
  const host = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!host.current) return
    const chart = echarts.init(host.current)
    chart.setOption(option)
    for (const [name, handler] of Object.entries(events ?? {})) chart.on(name, () => handler(chart))
    const observer = new ResizeObserver(() => chart.resize())
    observer.observe(host.current)
    return () => { observer.disconnect(); chart.dispose() }
    // The handlers are made anew on every render; what is drawn is what counts.
  }, [option])
  return host
}

/** A line a run through its params and metrics, in the run's colour where there are few, else by the last axis; brushing an axis tells which runs are left. */
export function Parallel({ dimensions, runs, onBrush }: { dimensions: Dimension[]; runs: number; onBrush: (indices: number[] | undefined) => void }) {
  const dark = useComputedColorScheme('light') === 'dark'
  const ink = dark ? '#c1c2c5' : '#495057'
  const last = dimensions.at(-1)
  const range = last && numeric(last) ? last.values.filter((value): value is number => typeof value === 'number') : []
  const option = {
    animation: false,
    parallel: { left: 60, right: 90, top: 50, bottom: 20, parallelAxisDefault: { nameTextStyle: { color: ink, fontSize: 11 }, axisLabel: { color: ink, fontSize: 10 }, areaSelectStyle: { width: 16, opacity: 0.3 }, realtime: false } },
    parallelAxis: dimensions.map((dimension, dim) => ({ dim, name: dimension.label.length > 16 ? `${dimension.label.slice(0, 15)}…` : dimension.label, ...(numeric(dimension) ? { type: 'value', scale: true } : { type: 'category', data: [...new Set(dimension.values.map((value) => String(value ?? '')))].sort() }) })),
    ...(range.length > 0 && runs > PALETTE.length ? { visualMap: { show: false, min: Math.min(...range), max: Math.max(...range), dimension: dimensions.length - 1, inRange: { color: ['#2f9e44', '#1c7ed6', '#f76707'] } } } : {}),
    series: { type: 'parallel', lineStyle: { width: runs > 200 ? 0.7 : 1.4, opacity: runs > 200 ? 0.4 : 0.75 }, inactiveOpacity: 0.03, data: Array.from({ length: runs }, (_, run) => ({ value: dimensions.map((dimension) => dimension.values[run] ?? (numeric(dimension) ? '-' : '')), ...(runs > PALETTE.length ? {} : { lineStyle: { color: PALETTE[run] } }) })) },
  }
  const text = JSON.stringify(option)
  const host = useChart(useStable(option, text + String(dark)), {
    axisareaselected: (chart) => {
      const model = (chart as unknown as { getModel: () => { getSeriesByIndex: (index: number) => { getRawIndicesByActiveState: (state: string) => number[] } } }).getModel().getSeriesByIndex(0)
      const active = model.getRawIndicesByActiveState('active')
      onBrush(active.length === 0 && model.getRawIndicesByActiveState('inactive').length === 0 ? undefined : active)
    },
  })
  return <div ref={host} role="img" aria-label="Parallel coordinates" style={{ height: 320 }} />
}

/** One point a run. */
export function Scatter({ x, y, labels, onOpen }: { x: Dimension; y: Dimension; labels: string[]; onOpen: (run: number) => void }) {
  const dark = useComputedColorScheme('light') === 'dark'
  const ink = dark ? '#c1c2c5' : '#495057'
  const axis = (dimension: Dimension) => ({ name: dimension.label, nameLocation: 'middle', nameGap: 32, nameTextStyle: { color: ink }, axisLabel: { color: ink }, splitLine: { lineStyle: { color: dark ? '#373a40' : '#e9ecef' } }, ...(numeric(dimension) ? { type: 'value', scale: true } : { type: 'category' }) })
  const option = {
    animation: false, grid: { left: 64, right: 20, top: 16, bottom: 48 }, xAxis: axis(x), yAxis: axis(y),
    tooltip: { renderMode: 'richText', formatter: (item: { dataIndex: number; value: unknown[] }) => `${labels[item.dataIndex] ?? ''}\n${x.label}: ${String(item.value[0])}\n${y.label}: ${String(item.value[1])}` },
    series: { type: 'scatter', symbolSize: labels.length > 300 ? 6 : 9, itemStyle: { color: '#1c7ed6', opacity: 0.7 }, data: labels.map((_, run) => ({ value: [x.values[run] ?? '-', y.values[run] ?? '-'], ...(labels.length > PALETTE.length ? {} : { itemStyle: { color: PALETTE[run] } }) })) },
  }
  const host = useChart(useStable(option, JSON.stringify([x, y, labels, dark])))
  useEffect(() => {
    const chart = host.current && echarts.getInstanceByDom(host.current)
    chart?.on('click', (event: { dataIndex?: number }) => event.dataIndex !== undefined && onOpen(event.dataIndex))
  })
  return <div ref={host} role="img" aria-label={`${y.label} by ${x.label}`} style={{ height: 320 }} />
}

/** The value as it was when its text last changed. */
function useStable<T>(value: T, text: string): T {
  const kept = useRef<{ text: string; value: T }>({ text, value })
  if (kept.current.text !== text) kept.current = { text, value }
  return kept.current.value
}
