-- Logs batches of 1,000 points, all different. Arguments: run ids.
local step, runs, thread = 0, {}, 0
function setup(t) thread = thread + 1; t:set("id", thread) end
function init(args) runs = args; step = id * 100000000 end
function request()
  local points = {}
  for i = 1, 1000 do
    step = step + 1
    points[i] = string.format('{"key":"m%d","value":%f,"timestamp":%d,"step":%d}', i % 10, step % 1000 / 7, step, step)
  end
  local body = '{"run_id":"' .. runs[(step % #runs) + 1] .. '","metrics":[' .. table.concat(points, ",") .. ']}'
  return wrk.format("POST", "/api/2.0/mlflow/runs/log-batch", {["Content-Type"] = "application/json"}, body)
end
