-- Requests for wrk: the path of the first argument, in which {n} counts up from the second argument and {word} stands
-- for the others in turn. Prints one line of JSON at the end.
local path, count, words

function init(arguments)
    path, count, words = arguments[1], tonumber(arguments[2]), {}
    for number = 3, #arguments do
        words[number - 2] = arguments[number]
    end
end

function request()
    count = count + 1
    local values = { n = count, word = words[count % #words + 1] }
    return wrk.format("GET", (path:gsub("{(%w+)}", values)))
end

function done(summary)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format('{"requests": %d, "microseconds": %d, "failed": %d}\n',
        summary.requests, summary.duration, failed))
end
