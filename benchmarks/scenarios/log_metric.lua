-- Logs points that are all different, so that no server meets its path for repetitions. Arguments: run ids.
local step, runs, thread = 0, {}, 0
function setup(t) thread = thread + 1; t:set("id", thread) end
function init(args) runs = args; step = id * 100000000 end
function request()
  step = step + 1
  local run = runs[(step % #runs) + 1]
  local body = string.format('{"run_id":"%s","key":"loss","value":%f,"timestamp":%d,"step":%d}', run, step % 1000 / 7, step, step)
  return wrk.format("POST", "/api/2.0/mlflow/runs/log-metric", {["Content-Type"] = "application/json"}, body)
end
