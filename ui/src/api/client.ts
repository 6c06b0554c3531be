/** A refusal or failure, as the server words it (RFC 9457), or the lack of an answer. */
export class ApiError extends Error {
  constructor(readonly status: number, message: string, readonly remedy?: string, readonly requestId?: string) {
    super(message)
  }
}

interface Problem { detail?: string; remedy?: string; requestId?: string }

async function call<T>(method: string, path: string, body?: unknown, headers: { [name: string]: string } = {}): Promise<T> {
  let response: Response
  try {
    response = await fetch(`/api/tidemill/v1${path}`, {
      method,
      ...(body === undefined ? { headers } : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } }),
    })
  } catch {
    throw new ApiError(0, 'The server does not answer.', 'Check that it runs; this page tries again by itself.')
  }
  if (!response.ok) {
    const problem = (await response.json().catch(() => ({}))) as Problem
    throw new ApiError(response.status, problem.detail ?? `HTTP ${response.status}`, problem.remedy, problem.requestId)
  }
  return (response.status === 204 ? undefined : await response.json()) as T
}

export const get = <T>(path: string): Promise<T> => call<T>('GET', path)

/** The first entries of a list that the server answers a page at a time; as many as are wanted, and what is left of the last page. */
export async function first<T>(path: string, entries: string, wanted: number): Promise<T[]> {
  const found: T[] = []
  let token: string | undefined
  do {
    const page: { [field: string]: unknown; next?: string } = await get(`${path}?limit=1000${token === undefined ? '' : `&token=${encodeURIComponent(token)}`}`)
    found.push(...((page[entries] ?? []) as T[]))
    token = page.next
  } while (token !== undefined && found.length < wanted)
  return found
}

export const post = <T>(path: string, body: unknown = {}): Promise<T> => call<T>('POST', path, body)

export const put = <T>(path: string, body: unknown, headers: { [name: string]: string } = {}): Promise<T> => call<T>('PUT', path, body, headers)
export const remove = (path: string): Promise<void> => call('DELETE', path)

/** The bytes of a file that users have stored; what they are is for the caller to decide. */
export async function file(path: string): Promise<Blob> {
  const response = await fetch(`/api/tidemill/v1${path}`)
  if (!response.ok) throw new ApiError(response.status, `The file could not be fetched: HTTP ${response.status}`)
  return response.blob()
}

/** Path of something in a project. */
export const inProject = (project: string, path: string): string => `/projects/${encodeURIComponent(project)}${path}`
