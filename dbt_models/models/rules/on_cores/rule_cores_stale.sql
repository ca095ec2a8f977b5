-- Carriers whose RMD filing and Form 499 registration share a name that CORES does not show.
select n.frn,
       'finding' as verdict,
       null::text as why,
       null::date as due_on_et,
       {{ evidence({
           'Name in CORES': 'n.entity_name',
           'Name in the RMD filing': 'r.business_name',
           'Name in Form 499': 'f.legal_name'}) }} as evidence,
       {{ ids(['array[n.snapshot_id]', 'r.snapshot_ids', 'f.snapshot_ids']) }} as snapshot_ids
from {{ ref('int_cores_names') }} n
join {{ ref('int_rmd_filers') }} r using (frn)
left join {{ ref('int_form499_carriers') }} f using (frn)
where not n.agrees_with_rmd
  and n.rmd_agrees_with_form499
  and not n.agrees_with_form499
