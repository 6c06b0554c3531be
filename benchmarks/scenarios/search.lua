-- A search. Arguments: experiment id, filter, order keys as quoted JSON texts, how many.
local body
function init(args)
  body = '{"experiment_ids":["' .. args[1] .. '"],"filter":"' .. args[2] .. '","order_by":[' .. args[3] .. '],"max_results":' .. args[4] .. '}'
end
function request() return wrk.format("POST", "/api/2.0/mlflow/runs/search", {["Content-Type"] = "application/json"}, body) end
