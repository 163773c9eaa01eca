-- What wrk sends: a log of 100 KB, each with a line of its own, so that no two are the same log.
-- wrk's threads each have their own state; `id` and a counter make the line.
local body, count = nil, 0
local threads = 0

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

function init(args)
  local file = assert(io.open(args[1] or "target/bench/100k.log", "rb"))
  body = file:read("*a")
  file:close()
  run = args[2] or tostring(os.time())
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "text/plain"
end

function request()
  count = count + 1
  return wrk.format(nil, "/api/v1/reports?project=bench&job=j" .. (count % 20), nil,
    body .. "run " .. run .. " thread " .. id .. " log " .. count .. "\n")
end

function done(summary, latency, requests)
  local seconds = summary.duration / 1e6
  local errors = summary.errors
  io.write(string.format("posts: %d in %.1f s = %.0f/s, p50 %.1f ms, p99 %.1f ms, max %.1f ms, not 2xx/3xx %d, broken %d\n",
    summary.requests, seconds, summary.requests / seconds, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    latency.max / 1000, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
