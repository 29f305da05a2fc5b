-- Copyright 2026 the wsgiref authors. MIT license.

-- The requests that wrk sends: `wrk -s wrk.lua URL -- HEADERS BODY_SIZE`.

local browser = {
  { "User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" },
  { "Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" },
  { "Accept-Language", "en-US,en;q=0.5" },
  { "Accept-Encoding", "gzip, deflate, br, zstd" },
  { "Cookie", "session=7f9c2ba4e88f827d616045507605853e; theme=dark" },
  { "Referer", "http://127.0.0.1/" },
  { "Upgrade-Insecure-Requests", "1" },
  { "Sec-Fetch-Dest", "document" },
  { "Sec-Fetch-Mode", "navigate" },
  { "Sec-Fetch-Site", "same-origin" },
  { "Priority", "u=0, i" },
}

function init(args)
  -- Host is the first header.
  for i = 1, tonumber(args[1]) - 1 do
    local header = browser[i] or { "X-Header-" .. i, "value " .. i }
    wrk.headers[header[1]] = header[2]
  end
  local size = tonumber(args[2])
  if size > 0 then
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/octet-stream"
    wrk.body = string.rep("x", size)
  end
end
