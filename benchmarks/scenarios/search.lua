-- A filtered, ordered search. Argument: experiment id.
local body
function init(args) body = '{"experiment_ids":["' .. args[1] .. '"],"filter":"metrics.m1 > 0.9 AND params.p1 = \'3\'","order_by":["metrics.m2 DESC"],"max_results":100}' end
function request() return wrk.format("POST", "/api/2.0/mlflow/runs/search", {["Content-Type"] = "application/json"}, body) end
