import { useParams } from '@tanstack/react-router'

/** The project in the address. */
export const useProject = (): string => {
  const params: { project?: string } = useParams({ strict: false })
  return params.project ?? 'default'
}

/** A named part of the address. */
export const useName = (key: string): string => {
  const params: { [key: string]: string | undefined } = useParams({ strict: false })
  return params[key] ?? ''
}
