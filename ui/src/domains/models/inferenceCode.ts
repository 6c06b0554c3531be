export interface Tensor { name: string; shape: number[]; datatype: string; data: (number | string | boolean)[] }

export const LANGUAGES = ['curl', 'Python', 'Java', 'JavaScript'] as const
export type Language = (typeof LANGUAGES)[number]

const NUMPY: { [datatype: string]: string } = { BOOL: 'bool', INT32: 'np.int32', INT64: 'np.int64', FP32: 'np.float32', FP64: 'np.float64', BYTES: 'object' }

/** The request as code that can be pasted and run. */
export function inferenceCode(language: Language, origin: string, path: string, model: string, version: string, inputs: Tensor[]): string {
  const body = JSON.stringify({ inputs })
  switch (language) {
    case 'curl':
      return `curl -s ${origin}${path} -d '${body.replaceAll("'", "'\\''")}'`
    case 'Python':
      return [
        'import numpy as np',
        'import tritonclient.http as triton  # pip install tritonclient[http]',
        '',
        `client = triton.InferenceServerClient("${origin.replace(/^https?:\/\//, '')}")`,
        'inputs = []',
        `for name, datatype, values in [${inputs.map((input) => `(${JSON.stringify(input.name)}, "${input.datatype}", np.array([${python(input.data[0])}], ${NUMPY[input.datatype] ?? 'object'}))`).join(', ')}]:`,
        '    tensor = triton.InferInput(name, [1], datatype)',
        '    tensor.set_data_from_numpy(values)',
        '    inputs.append(tensor)',
        `print(client.infer(${JSON.stringify(model)}, inputs, ${JSON.stringify(version)}).as_numpy("prediction"))`,
      ].join('\n')
    case 'Java':
      return [
        'var request = java.net.http.HttpRequest.newBuilder(java.net.URI.create(',
        `        ${JSON.stringify(origin + path)}))`,
        `    .POST(java.net.http.HttpRequest.BodyPublishers.ofString(${JSON.stringify(body)}))`,
        '    .build();',
        'System.out.println(java.net.http.HttpClient.newHttpClient()',
        '    .send(request, java.net.http.HttpResponse.BodyHandlers.ofString()).body());',
      ].join('\n')
    case 'JavaScript':
      return `const answer = await fetch(${JSON.stringify(origin + path)}, { method: 'POST', body: JSON.stringify(${JSON.stringify({ inputs })}) })\nconsole.log((await answer.json()).outputs)`
  }
}

function python(value: number | string | boolean | undefined): string {
  return typeof value === 'boolean' ? (value ? 'True' : 'False') : JSON.stringify(value ?? '')
}
