// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace larder {
inline namespace v0 {
namespace detail {

/// The scripts by which a record in Redis changes, each atomic and over one record.
///
/// A record is a hash: `t` the value's facts "version loaded serve refresh fallback about note" (moments in microseconds of Redis's clock;
/// fallback 0: none), `v` the value's bytes, `l` the lease "token until", `f` the fences "owner until length ..." (a '!' before an owner: the row was
/// expelled meanwhile), `r` the floors
/// "about version newest ...", `u` the mark of a record that is unsettled, `h` for how long older writes may be heard of
/// "longest-fence until". `about` is the row that a fact is of: "." in a record of one row or epoch,
/// "=KEY" in an alternate key's, "-" for "no such row". The rules are those of `LeasedRecord`, in the same order.
enum class RedisScript : std::uint8_t { lookup, fill, fence, publish, drop, follow, count, clear, identify };
inline constexpr std::size_t redis_script_count = 9;

/// What a script that finds another identity than the one it was sent for answers.
inline constexpr std::string_view redis_moved = "LARDER the cache has another identity now";

namespace redis_script {

/// KEYS: record, sentinel. ARGV: the identity's epoch, how long a record is kept that does not end by itself, and the script's own from [3] on.
inline constexpr std::string_view record = R"lua(
local record = KEYS[1]
if redis.call('HGET', KEYS[2], 'epoch') ~= ARGV[1] then return redis.error_reply('LARDER the cache has another identity now') end
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local raw = redis.call('HMGET', record, 't', 'f', 'l', 'r', 'u', 'h')

local function words(text)
  local list = {}
  if text then for word in string.gmatch(text, '[^ ]+') do list[#list + 1] = word end end
  return list
end
local function digits(number) return string.format('%.0f', number) end

local held, value, lease, unsettled = nil, nil, nil, raw[5]
local fences, floors = {}, {}
local longest, hears = 0, 0
if raw[1] then
  local w = words(raw[1])
  held = {version = tonumber(w[1]), loaded = tonumber(w[2]), serve = tonumber(w[3]), refresh = tonumber(w[4]), fallback = tonumber(w[5]), about = w[6], note = w[7]}
end
if raw[2] then
  local w = words(raw[2])
  for i = 1, #w, 3 do fences[#fences + 1] = {owner = w[i], till = tonumber(w[i + 1]), length = tonumber(w[i + 2])} end
end
if raw[3] then
  local w = words(raw[3])
  lease = {token = w[1], till = tonumber(w[2])}
end
if raw[4] then
  local w = words(raw[4])
  for i = 1, #w, 3 do floors[#floors + 1] = {about = w[i], version = tonumber(w[i + 1]), newest = tonumber(w[i + 2])} end
end

if raw[6] then
  local w = words(raw[6])
  longest, hears = tonumber(w[1]), tonumber(w[2])
end

local function listen() hears = math.max(hears, now + 2 * longest) end

local function ends()
  if unsettled or #fences > 0 or (not held and #floors > 0) then return nil end
  local moment = 0
  if held then moment = held.fallback ~= 0 and held.fallback or held.serve end
  if #floors > 0 then moment = math.max(moment, hears) end
  if lease then moment = math.max(moment, lease.till) end
  return moment
end

local function floor_of(about)
  if about ~= '-' then
    for _, floor in ipairs(floors) do
      if floor.about == about then return floor.version, floor.newest end
    end
  end
  return 0, 0
end

local function set_floor(about, version, newest)
  if about == '-' then return end
  for i, floor in ipairs(floors) do
    if floor.about == about then
      if version == 0 then table.remove(floors, i) else floor.version, floor.newest = version, newest end
      return
    end
  end
  if version ~= 0 then floors[#floors + 1] = {about = about, version = version, newest = newest} end
end

local function drop(raise)
  if not held then return end
  if held.version ~= 0 then
    local version, newest = floor_of(held.about)
    set_floor(held.about, raise and math.max(version, held.version) or version, math.max(newest, held.version))
  end
  held, value = nil, false
end

local function is_about(about) return held and (held.about == '-' or held.about == about) end

local function keep(version, about, note, loaded, serve, refresh, fallback, bytes)
  loaded = math.min(loaded, now)
  held = {version = version, loaded = loaded, serve = loaded + serve, refresh = loaded + refresh,
          fallback = fallback > 0 and loaded + serve + fallback or 0, about = about, note = note}
  value = bytes
end

local function facts()
  return held and table.concat({digits(held.version), digits(held.loaded), digits(held.serve), digits(held.refresh), digits(held.fallback), held.about, held.note}, ' ')
end

local function settle()
  local moment = ends()
  if moment and now >= moment then
    if held then value = false end
    held, lease, floors, longest, hears = nil, nil, {}, 0, 0
    return
  end
  if lease and now >= lease.till then lease = nil end
  for i = #fences, 1, -1 do
    if now >= fences[i].till then
      table.remove(fences, i)
      unsettled = '1'
    end
  end
end

-- Writes what changed. Where there is no room for it, the value and the lease go all the same.
local function save(tracked)
  local set, gone = {}, {}
  local function put(name, old, new)
    if new and new ~= '' then
      if new ~= old then set[#set + 1] = name set[#set + 1] = new end
    elseif old then
      gone[#gone + 1] = name
    end
  end
  local list = {}
  for _, fence in ipairs(fences) do list[#list + 1] = fence.owner .. ' ' .. digits(fence.till) .. ' ' .. digits(fence.length) end
  put('f', raw[2], table.concat(list, ' '))
  list = {}
  for _, floor in ipairs(floors) do list[#list + 1] = floor.about .. ' ' .. digits(floor.version) .. ' ' .. digits(floor.newest) end
  put('r', raw[4], table.concat(list, ' '))
  put('t', raw[1], facts())
  put('l', raw[3], lease and lease.token .. ' ' .. digits(lease.till))
  put('u', raw[5], unsettled)
  put('h', raw[6], longest > 0 and digits(longest) .. ' ' .. digits(hears))
  if value then set[#set + 1] = 'v' set[#set + 1] = value elseif value == false then gone[#gone + 1] = 'v' end
  if #set == 0 and #gone == 0 then return nil end
  if #set > 0 then
    local done = redis.pcall('HSET', record, unpack(set))
    if type(done) == 'table' and done.err then
      redis.pcall('HDEL', record, 't', 'v', 'l')
      return done
    end
  end
  if #gone > 0 then redis.call('HDEL', record, unpack(gone)) end
  local moment = ends()
  if not moment then
    moment = now + tonumber(ARGV[2])
    if held then moment = math.max(moment, held.serve, held.fallback) end
    if lease then moment = math.max(moment, lease.till) end
    for _, fence in ipairs(fences) do moment = math.max(moment, fence.till + fence.length) end
  end
  redis.call('PEXPIREAT', record, digits(math.ceil(moment / 1000)))
  -- A connection that is told of changes is told of those after its last reading command.
  if tracked then redis.call('HEXISTS', record, 't') end
  return nil
end
)lua";

/// ARGV: [3] least version, [4] greatest age, [5] whether a lease is wanted, [6] or to refresh, [7] for how long, [8] its token, [9] facts of a value
/// that is no good. Answers: outcome, whether the lease was given, whether unsettled, whether the value is a fallback, facts, value,
/// whether the record knows the newest version published.
inline constexpr std::string_view lookup = R"lua(
settle()
local changed = false
if ARGV[9] ~= '' and raw[1] == ARGV[9] and held then
  drop(false)
  changed = true
end
if #fences > 0 then return {3, 0, 0, 0, false, false, 0} end
local function lend()
  lease = {token = ARGV[8], till = now + tonumber(ARGV[7])}
  changed = true
  return 1
end
local least = tonumber(ARGV[3])
local code, given, late, with = 1, 0, 0, false
if held and now < held.serve and held.version >= least and now - held.loaded <= tonumber(ARGV[4]) then
  code, with = 0, true
  if ARGV[6] == '1' and not lease then given = lend() end
else
  if held and held.fallback ~= 0 and now < held.fallback and held.version >= least then late, with = 1, true end
  if lease then code = 2 elseif ARGV[5] == '1' then given = lend() end
end
local version, newest = floor_of('.')
local floored = code == 1 and given == 1 and newest ~= 0 and version >= newest
local text, bytes = false, false
if with then text, bytes = facts(), redis.call('HGET', record, 'v') end
if changed then
  local failed = save(true)
  if failed then return failed end
end
return {code, given, code ~= 0 and unsettled and 1 or 0, late, text, bytes, floored and 1 or 0}
)lua";

/// ARGV: [3] lease, [4] about, [5] version, [6] whether the value fits, [7] loaded, [8] serve, [9] refresh, [10] fallback, [11] note, [12] value.
/// Answers the number of the outcome.
inline constexpr std::string_view fill = R"lua(
settle()
if not lease or lease.token ~= ARGV[3] then return 1 end
lease = nil
local about, version, fits = ARGV[4], tonumber(ARGV[5]), ARGV[6] == '1'
local loaded, serve = tonumber(ARGV[7]), tonumber(ARGV[8])
local function fill()
  if floor_of(about) > version then return 2 end
  local over = now - math.min(loaded, now) >= serve
  if (over or not fits) and version <= (is_about(about) and held.version or 0) then return fits and 0 or 3 end
  local floor = floor_of(about)
  drop(false)
  local _, newest = floor_of(about)
  set_floor(about, floor, math.max(newest, version))
  if not fits then return 3 end
  if not over then keep(version, about, ARGV[11], loaded, serve, tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[12]) end
  unsettled = false
  return 0
end
local outcome = fill()
local failed = save(true)
if failed then return failed end
return outcome
)lua";

/// ARGV: [3] owner, [4] length.
inline constexpr std::string_view fence = R"lua(
settle()
local owner, length = ARGV[3], tonumber(ARGV[4])
local own
for _, fence in ipairs(fences) do if fence.owner == owner or fence.owner == '!' .. owner then own = fence end end
if not own then
  fences[#fences + 1] = {owner = owner, till = now + length, length = length}
elseif own.till < now + length then
  own.till, own.length = now + length, length
end
longest = math.max(longest, length)
listen()
lease = nil
drop(true)
local failed = save(false)
if failed then return failed end
return 0
)lua";

/// ARGV: [3] about, [4] version, [5] whether there is a value, [6] owner or 0, [7] loaded, [8] serve, [9] refresh, [10] fallback, [11] note, [12] value.
inline constexpr std::string_view publish = R"lua(
settle()
local about, version, has_value, owner, serve = ARGV[3], tonumber(ARGV[4]), ARGV[5] == '1', ARGV[6], tonumber(ARGV[8])
local stood = false
if owner ~= '0' then
  for i = #fences, 1, -1 do
    local standing = fences[i].owner
    if standing == owner or standing == '!' .. owner then
      table.remove(fences, i)
      stood = stood or standing == owner
    end
  end
end
listen()
lease = nil
local floor, floor_newest = floor_of(about)
local concerned = is_about(about)
if version < math.max(floor, concerned and held.version or 0) then
  -- Whoever lifts a fence and publishes nothing may have met a newer version, which its writer never published.
  set_floor(about, math.max(floor, version), version ~= 0 and floor_newest or 0)
else
  if concerned then floor_newest = math.max(floor_newest, held.version) end
  local newest = stood or (floor_newest ~= 0 and version >= floor_newest)
  if has_value or concerned then drop(false) end
  floor = math.max(floor, version)
  if stood or floor_newest ~= 0 then floor_newest = math.max(floor_newest, floor) end
  set_floor(about, floor, floor_newest)
  if has_value and newest and #fences == 0 and not unsettled and serve > 0 then
    keep(version, about, ARGV[11], tonumber(ARGV[7]), serve, tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[12])
  end
end
local failed = save(false)
if failed then return failed end
return 0
)lua";

/// ARGV: [3] whether what may be a fallback stays as one.
inline constexpr std::string_view drop = R"lua(
settle()
lease = nil
if ARGV[3] == '1' and held and held.fallback ~= 0 then
  held.serve = math.min(held.serve, now)
else
  drop(false)
end
for _, fence in ipairs(fences) do
  if string.sub(fence.owner, 1, 1) ~= '!' then fence.owner = '!' .. fence.owner end
end
for _, floor in ipairs(floors) do floor.newest = 0 end
local failed = save(false)
if failed then return failed end
return 0
)lua";

/// An alternate key's record and the one it leads to, where one server holds both. KEYS: alias, sentinel. ARGV: [3] what the keys of rows begin with,
/// [4] what they end with. Answers: the alias's facts and value, the row's facts and value.
inline constexpr std::string_view follow = R"lua(
local alias = redis.call('HMGET', KEYS[1], 't', 'v')
local key = alias[1] and string.match(alias[1], ' =([^ ]*) [^ ]*$')
if not key then return {alias[1], alias[2], false, false} end
local row = redis.call('HMGET', ARGV[3] .. key .. ARGV[4], 't', 'v')
return {alias[1], alias[2], row[1], row[2]}
)lua";

/// One page of what is kept under a pattern. KEYS: pattern, sentinel. ARGV: [3] cursor, [4] what the keys of rows begin with.
/// Answers: the next cursor, rows, alternate keys and epochs, bytes.
inline constexpr std::string_view count = R"lua(
local page = redis.call('SCAN', ARGV[3], 'MATCH', KEYS[1], 'COUNT', 500)
local rows, others, bytes = 0, 0, 0
for _, key in ipairs(page[2]) do
  if redis.pcall('HEXISTS', key, 't') == 1 then
    if string.sub(key, 1, #ARGV[4]) == ARGV[4] then rows = rows + 1 else others = others + 1 end
  end
  bytes = bytes + (redis.call('MEMORY', 'USAGE', key) or 0)
end
return {page[1], rows, others, bytes}
)lua";

/// Removes one page of what is kept under a pattern. KEYS: pattern, sentinel. ARGV: [3] cursor. Answers the next cursor.
inline constexpr std::string_view clear = R"lua(
local page = redis.call('SCAN', ARGV[3], 'MATCH', KEYS[1], 'COUNT', 500)
for _, key in ipairs(page[2]) do redis.call('UNLINK', key) end
return page[1]
)lua";

/// Finds or makes the identity of a server's cache. KEYS: sentinel. ARGV: [1] the epoch last known, or nothing, [2] random text for a new one,
/// [3] how long the sentinel lives, in ms. Answers: epoch, run id, replication id, server version, seconds, microseconds.
///
/// An epoch is "COUNT-RANDOM". It is taken over only if it was made for this run and replication id, and is newer than any the caller knew: a
/// server that comes back with an old state never brings an old epoch back to life. It always writes: a server that refuses writes is not to be read either.
inline constexpr std::string_view identify = R"lua(
local server, replication = redis.call('INFO', 'server'), redis.call('INFO', 'replication')
local run, line = string.match(server, 'run_id:(%w+)') or '', string.match(replication, 'master_replid:(%w+)') or ''
local version = string.match(server, 'redis_version:([%w.]+)') or ''
local was = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'line')
local function count(epoch) return tonumber(string.match(epoch or '', '^(%d+)-') or '0') end
local epoch, known = was[1], ARGV[1]
if not (epoch and was[2] == run and was[3] == line and (known == '' or known == epoch or count(epoch) > count(known))) then
  epoch = string.format('%.0f-%s', math.max(count(epoch or ''), count(known)) + 1, ARGV[2])
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'run', run, 'line', line)
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local clock = redis.call('TIME')
redis.call('HGET', KEYS[1], 'epoch')
return {epoch, run, line, version, clock[1], clock[2]}
)lua";

} // namespace redis_script

/// The text of a script.
inline std::string text_of(RedisScript script) {
    namespace s = redis_script;
    constexpr std::array<std::string_view, redis_script_count> own{s::lookup, s::fill, s::fence, s::publish, s::drop, s::follow, s::count, s::clear, s::identify};
    const bool of_record = script < RedisScript::follow;
    std::string text(of_record ? s::record : std::string_view());
    return text.append(own[static_cast<std::size_t>(script)]);
}

} // namespace detail
} // namespace v0
} // namespace larder
