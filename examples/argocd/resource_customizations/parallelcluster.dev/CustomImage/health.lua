-- Healthy when the AMI can be used, Degraded when somebody must look, else Progressing: what kstatus says, in Argo CD's words.
local health = { status = "Progressing", message = "waiting for the operator to look at AWS" }

local ready, reconciling, stalled
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    if condition.type == "Ready" then ready = condition end
    if condition.type == "Reconciling" and condition.status == "True" then reconciling = condition end
    if condition.type == "Stalled" and condition.status == "True" then stalled = condition end
  end
end
if ready ~= nil then
  health.message = ready.reason .. ": " .. ready.message
end

if obj.spec ~= nil and obj.spec.suspend == true then
  health.status = "Suspended"
  return health
end
-- A status of another generation is an answer to another question.
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return health
end
if reconciling ~= nil then
  return health
end
if stalled ~= nil then
  health.status = "Degraded"
elseif ready ~= nil and ready.status == "True" then
  health.status = "Healthy"
end
return health
