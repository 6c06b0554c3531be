-- Rows as one matrix by the Open Inference Protocol; arguments: path, rows, columns.
function init(arguments)
  local rows, columns = tonumber(arguments[2]), tonumber(arguments[3])
  local values = {}
  for i = 1, rows * columns do
    values[i] = string.format("%.4f", math.sin(i))
  end
  wrk.method = "POST"
  wrk.path = arguments[1]
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = string.format(
    '{"inputs":[{"name":"input","shape":[%d,%d],"datatype":"FP64","data":[%s]}]}', rows, columns, table.concat(values, ","))
end
