import { Checkbox } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef, useState } from 'react'
import { inProject, post } from '../../api/client'
import type { RunPage, TrackedRun } from '../../api/types'
import { To } from '../../ui/page'
import { Ago, State } from '../../ui/states'
import { type Column, searchKey } from './columns'

const PAGE = 200
const ROW = 34
const FIRST = 230

export interface RunQuery { experiments: string[]; filter: string; order: string[]; lifecycle: string }

interface Props {
  project: string; query: RunQuery; total: number; columns: Column[]; group?: Column | undefined
  selected: Set<string>; onSelect: (runs: Set<string>) => void; onOrder: (order: string[]) => void
}

/** Rows and columns that are seen, of a table of any size: pages are fetched as they come into view. */
export function RunTable({ project, query, total, columns, group, selected, onSelect, onOrder }: Props) {
  const host = useRef<HTMLDivElement>(null)
  const navigate = useNavigate()
  const [focus, setFocus] = useState(-1)
  const rows = useVirtualizer({ count: total, getScrollElement: () => host.current, estimateSize: () => ROW, overscan: 12 })
  const cells = useVirtualizer({ horizontal: true, count: columns.length, getScrollElement: () => host.current, estimateSize: (index) => columns[index]?.width ?? 120, overscan: 3, paddingStart: FIRST })
  useEffect(() => cells.measure(), [columns, cells])
  const seen = rows.getVirtualItems()
  const pages = [...new Set(seen.map((row) => Math.floor(row.index / PAGE)))]
  const loaded = useQueries({ queries: pages.map((page) => ({
    queryKey: [project, 'runs', 'page', query, page], staleTime: 15_000,
    queryFn: () => post<RunPage>(inProject(project, '/runs/search'), { ...query, limit: PAGE, ...(page > 0 ? { token: btoa(`{"offset": ${page * PAGE}}`) } : {}) }),
  })) })
  const runAt = (index: number): TrackedRun | undefined => loaded[pages.indexOf(Math.floor(index / PAGE))]?.data?.runs[index % PAGE]
  const toggle = (id: string) => {
    const next = new Set(selected)
    if (!next.delete(id)) next.add(id)
    onSelect(next)
  }
  const move = (to: number) => {
    const next = Math.max(0, Math.min(total - 1, to))
    setFocus(next)
    rows.scrollToIndex(next)
  }
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement
      if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable) return
      const run = runAt(focus)
      if (event.key === 'j') move(focus + 1)
      else if (event.key === 'k') move(focus - 1)
      else if (event.key === 'x' && run) toggle(run.id)
      else if (event.key === 'Enter' && run && target === document.body) void navigate({ to: `/ui/${project}/experiments/${run.id}` })
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  })
  const sort = (column: Column) => {
    const key = searchKey(column.key)
    onOrder(query.order[0] === `${key} ASC` ? [`${key} DESC`] : query.order[0] === `${key} DESC` ? [] : [`${key} ASC`])
  }
  const arrow = (column: Column) => (query.order[0] === `${searchKey(column.key)} ASC` ? ' ↑' : query.order[0] === `${searchKey(column.key)} DESC` ? ' ↓' : '')
  const header = (column: Column) => column.sortable
    ? <button type="button" onClick={() => sort(column)} title={`Sort by ${column.label}`}>{column.label}{arrow(column)}</button>
    : <span>{column.label}</span>
  const first: Column = { key: 'run_name', label: 'Run', width: FIRST, numeric: false, sortable: true, text: (run) => run.name }
  return (
    <div ref={host} className="runs" role="grid" aria-rowcount={total + 1} aria-colcount={columns.length + 1} tabIndex={0}>
      <div className="runs-head" role="row" style={{ width: cells.getTotalSize(), minWidth: '100%' }}>
        <div role="columnheader" className="runs-cell runs-first" style={{ width: FIRST }}>{header(first)}</div>
        {cells.getVirtualItems().map((cell) => {
          const column = columns[cell.index]
          return column && <div role="columnheader" key={column.key} className={`runs-cell${column.numeric ? ' numeric' : ''}`} style={{ left: cell.start, width: cell.size }}>{header(column)}</div>
        })}
      </div>
      <div style={{ height: rows.getTotalSize(), width: cells.getTotalSize(), minWidth: '100%', position: 'relative' }}>
        {seen.map((row) => {
          const run = runAt(row.index)
          const before = row.index > 0 ? runAt(row.index - 1) : undefined
          const starts = group && run && (!before || group.text(before) !== group.text(run))
          return (
            <div key={row.index} role="row" aria-rowindex={row.index + 2} aria-selected={!!run && selected.has(run.id)}
              className={`runs-row${focus === row.index ? ' focus' : ''}${starts ? ' group' : ''}`} style={{ transform: `translateY(${row.start}px)`, height: ROW }} onClick={() => setFocus(row.index)}>
              <div role="gridcell" className="runs-cell runs-first" style={{ width: FIRST }}>
                {run && <Checkbox size="xs" aria-label={`Select ${run.name}`} checked={selected.has(run.id)} onChange={() => toggle(run.id)} />}
                {run ? <To to={`/ui/${project}/experiments/${run.id}`}>{run.name || run.id.slice(0, 8)}</To> : <span className="runs-wait" />}
                {starts && <span className="runs-group">{group.label} {group.text(run) || '(none)'}</span>}
              </div>
              {run && cells.getVirtualItems().map((cell) => {
                const column = columns[cell.index]
                return column && (
                  <div role="gridcell" key={column.key} className={`runs-cell${column.numeric ? ' numeric' : ''}`} style={{ left: cell.start, width: cell.size }} title={column.text(run)}>
                    {column.key === 'status' ? <State value={run.status} /> : column.key === 'start_time' ? <Ago time={run.startedAt} /> : column.text(run)}
                  </div>)
              })}
            </div>)
        })}
      </div>
    </div>
  )
}
