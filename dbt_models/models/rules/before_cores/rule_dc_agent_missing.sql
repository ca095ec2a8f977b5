-- Active filers for whom no registration names an agent in the District of Columbia. A copy of the database in which
-- most filers show none is one without agents, and proves nothing.
with shown as (
    select avg(has_some_agent::int) >= 0.5 as has_agents from {{ ref('int_form499_carriers') }} where is_active
)
select frn,
       case when has_some_agent and not has_agent_elsewhere then 'held' else 'finding' end as verdict,
       case when has_some_agent and not has_agent_elsewhere then 'An agent''s name or contact is there, but not the whole of it.' end as why,
       null::date as due_on_et,
       {{ evidence({
           'Form 499 filer ID': "array_to_string(filer_ids, ', ')",
           'Agent for service of process': "case when best_has_agent then 'address in ' || coalesce(dc_agent_state, 'another place') else 'none' end"}) }} as evidence,
       snapshot_ids
from {{ ref('int_form499_carriers') }}
join shown on shown.has_agents
where is_active
  and not has_dc_agent
  and exists (select from unnest(active_types) one(type) where type <> 'PRIV')
