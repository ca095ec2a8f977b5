-- Filers that recertified as voice service providers after every Form 499 registration of their FRN had ended.
-- A successor, a consolidated filing or an active filer of the same name protects.
select r.frn,
       case when f.has_active_successor or f.went_to_another or named.filer_id is not null or f.ended_on is null
            then 'held' else 'finding' end as verdict,
       case when f.has_active_successor then 'An active filer has taken over the registration.'
            when f.went_to_another then 'The registration ended because another filer files for it.'
            when named.filer_id is not null then 'Filer ' || named.filer_id || ' of the same name is active.'
            when f.ended_on is null then 'The day the registration ended is not stated.' end as why,
       null::date as due_on_et,
       {{ evidence({
           'Form 499 filer ID': "array_to_string(f.filer_ids, ', ')",
           'Registration ended': 'f.ended_on',
           'Reason given': 'f.end_reason',
           'RMD filing': "array_to_string(r.numbers, ', ')",
           'RMD filing recertified': 'r.last_recertified_on'}) }} as evidence,
       {{ ids(['r.snapshot_ids', 'f.snapshot_ids']) }} as snapshot_ids
from {{ ref('int_rmd_filers') }} r
join {{ ref('int_form499_carriers') }} f using (frn)
left join (
    select c.frn, min(k.filer_id) as filer_id
    from {{ ref('int_carrier_names') }} c
    join {{ ref('int_form499_known') }} k on k.name_key = c.name_key and k.is_active
    group by c.frn
) named on named.frn = r.frn
where f.active_filers = 0
  and r.is_voice
  and r.is_domestic
  and r.recertified_on is not null
  and (f.ended_on is null or r.last_recertified_on > f.ended_on)
