-- Filers none of whose names in the RMD is, or contains, the entity name in CORES.
select n.frn,
       'finding' as verdict,
       null::text as why,
       null::date as due_on_et,
       {{ evidence({
           'Name in CORES': 'n.entity_name',
           'Name in the RMD filing': 'r.business_name'}) }} as evidence,
       {{ ids(['array[n.snapshot_id]', 'r.snapshot_ids']) }} as snapshot_ids
from {{ ref('int_cores_names') }} n
join {{ ref('int_rmd_filers') }} r using (frn)
left join {{ ref('int_form499_carriers') }} f using (frn)
where not n.agrees_with_rmd
  and r.name_key <> ''  -- a filing without a business name is told so by RMD_NAME_BLANK
  and not (n.rmd_agrees_with_form499 and not n.agrees_with_form499)  -- then CORES is the odd one: CORES_STALE
