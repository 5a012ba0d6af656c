-- SPDX-License-Identifier: Apache-2.0
-- For wrk: the same signed event in every request. Arguments: the body's file, its signature, and
-- the mean of the milliseconds that a connection waits before each request; without it none. The
-- last line printed is for run.sh:
--   result EVENTS FAILED DURATION_US P50_US P99_US

function init(args)
    local file = assert(io.open(args[1], "rb"))
    wrk.method = "POST"
    wrk.body = file:read("*a")
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["X-Genesys-Signature"] = args[2]
    file:close()
    local think_ms = tonumber(args[3])
    if think_ms then
        -- wrk asks for it where there is a global of this name. Exponential: as if by chance.
        function delay()
            return -think_ms * math.log(1 - math.random()) + 0.5
        end
    end
end

-- wrk counts a status over 399 as an error; no peer ever sends a 1xx or 3xx.
function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.timeout + errors.status
    print(string.format("result %d %d %d %d %d", summary.requests - errors.status, failed,
        summary.duration, latency:percentile(50), latency:percentile(99)))
end
