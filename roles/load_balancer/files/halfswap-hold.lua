-- Copyright (c) 2026, halfswap.bluegreen contributors
-- GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Two things that HAProxy cannot do by itself: let a request wait for a time, and let it wait for a server.

-- HAProxy has no signal for a server that comes up. Nobody notices 20 ms, and a thousand requests that wait cost little.
local LOOK_MS = 20

local function now_ms()
    local time = core.now()
    return time.sec * 1000 + time.usec / 1000
end

core.register_action("sleep", { "http-req" }, function(_txn, ms)
    core.msleep(tonumber(ms))
end, 1)

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
