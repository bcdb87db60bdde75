-- Copyright (c) 2026, halfswap.bluegreen contributors
-- GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Two things that HAProxy cannot do by itself: let a request wait for a time, and let it wait for a server.
-- It belongs to what the role load_balancer of the collection halfswap.bluegreen configures.

-- HAProxy has no signal for a server that comes up. Nobody notices 20 ms, and a thousand requests that wait cost little.
local LOOK_MS = 20

local function now_ms()
    local time = core.now()
    return time.sec * 1000 + time.usec / 1000
end

core.register_action("sleep", { "http-req" }, function(_txn, ms)
    core.msleep(tonumber(ms))
end, 1)

-- The servers of each backend whose state setup has brought over this reload.
local known = {}
local states = io.open(os.getenv("HALFSWAP_STATES") or "/dev/null")
if states then
    for line in states:lines() do
        local backend, server = line:match("^%d+ (%S+) %d+ (%S+) ")
        if backend then
            known[backend .. "/" .. server] = true
        end
    end
    states:close()
end

local function all_known(nodes, names)
    for name in names:gmatch("[^,]+") do
        if not known[nodes .. "/" .. name] then
            return false
        end
    end
    return true
end

core.register_action("sleep_unless_known", { "http-req" }, function(_txn, ms, nodes, names)
    if not all_known(nodes, names) then
        core.msleep(tonumber(ms))
    end
end, 3)

local function wait(ms, over)
    local deadline = now_ms() + tonumber(ms)
    while not over() and now_ms() < deadline do
        core.msleep(LOOK_MS)
    end
end

core.register_action("hold", { "http-req" }, function(txn, nodes, ms)
    wait(ms, function() return txn.f:nbsrv(nodes) > 0 end)
end, 2)

-- The same, but only as long as a heartbeat answers: nothing else can say live soon.
core.register_action("hold_while_told", { "http-req" }, function(txn, nodes, ms, heartbeats)
    wait(ms, function() return txn.f:nbsrv(nodes) > 0 or txn.f:nbsrv(heartbeats) == 0 end)
end, 3)
