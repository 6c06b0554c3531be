-- Logs batches of points, all different. Arguments: size of a batch, run ids.
local step, runs, thread, size = 0, {}, 0, 1000
function setup(t) thread = thread + 1; t:set("id", thread) end
function init(args)
  size = tonumber(args[1])
  for i = 2, #args do runs[i - 1] = args[i] end
  step = id * 100000000
end
function request()
  local points = {}
  for i = 1, size do
    step = step + 1
    points[i] = string.format('{"key":"m%d","value":%f,"timestamp":%d,"step":%d}', i % 10, step % 1000 / 7, step, step)
  end
  local body = '{"run_id":"' .. runs[(math.floor(step / size) % #runs) + 1] .. '","metrics":[' .. table.concat(points, ",") .. ']}'
  return wrk.format("POST", "/api/2.0/mlflow/runs/log-batch", {["Content-Type"] = "application/json"}, body)
end
