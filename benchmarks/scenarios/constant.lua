-- What the same HTTP server answers without any work.
function init(arguments)
  wrk.method = "GET"
  wrk.path = "/v2/health/live"
end
