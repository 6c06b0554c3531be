-- Rows for a model of columns f0, f1, ... by the Open Inference Protocol; arguments: path, rows, columns.
local body

function init(arguments)
  local rows, columns = tonumber(arguments[2]), tonumber(arguments[3])
  local inputs = {}
  for column = 0, columns - 1 do
    local values = {}
    for row = 1, rows do
      values[row] = string.format("%.4f", math.sin(row * 7 + column))
    end
    inputs[#inputs + 1] = string.format(
      '{"name":"f%d","shape":[%d],"datatype":"FP64","data":[%s]}', column, rows, table.concat(values, ","))
  end
  body = '{"inputs":[' .. table.concat(inputs, ",") .. "]}"
  wrk.method = "POST"
  wrk.path = arguments[1]
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = body
end
