-- Rows as MLflow's scoring server reads them; arguments: path, rows, columns.
function init(arguments)
  local rows, columns = tonumber(arguments[2]), tonumber(arguments[3])
  local names, data = {}, {}
  for column = 0, columns - 1 do
    names[#names + 1] = string.format('"f%d"', column)
  end
  for row = 0, rows - 1 do
    local values = {}
    for column = 1, columns do
      values[column] = string.format("%.4f", math.sin(row * columns + column))
    end
    data[#data + 1] = "[" .. table.concat(values, ",") .. "]"
  end
  wrk.method = "POST"
  wrk.path = arguments[1]
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = string.format(
    '{"dataframe_split":{"columns":[%s],"data":[%s]}}', table.concat(names, ","), table.concat(data, ","))
end
