import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'

/** What a page keeps in its address, so that a copied address shows the same view. */
export type ViewState = { [key: string]: string | undefined }

/** The page's address as texts by key, and a way to change some of them; an empty one is left out. */
export function useView(): [ViewState, (change: ViewState, push?: boolean) => void] {
  const search: { [key: string]: unknown } = useSearch({ strict: false })
  const navigate = useNavigate()
  const state = Object.fromEntries(Object.entries(search).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]))
  const change = useCallback((patch: ViewState, push = false) => {
    void navigate({
      to: '.',
      replace: !push,
      search: (before: object) => Object.fromEntries(Object.entries({ ...before, ...patch }).filter(([, value]) => value !== undefined && value !== '')),
    })
  }, [navigate])
  return [state, change]
}

/** A list in an address. Names may hold commas, so they are separated by line breaks. */
export const listOf = (text: string | undefined): string[] => (text ? text.split('\n') : [])
export const textOf = (list: string[]): string | undefined => (list.length > 0 ? list.join('\n') : undefined)
