-- FRNs of filings for which CORES showed an empty page on as many days as its contract asks, and never a full one.
select c.frn,
       case when k.empty_days >= s.absence_sightings then 'finding' else 'held' end as verdict,
       case when k.empty_days < s.absence_sightings
            then 'The page was empty, but on ' || k.empty_days || ' of the ' || s.absence_sightings || ' days that an absence needs.' end as why,
       null::date as due_on_et,
       {{ evidence({
           'Page in CORES': "'empty'::text",
           'Empty on': 'to_jsonb(k.empty_on)',
           'FRN stands in': "array_to_string(array_remove(array[case when c.is_rmd_filer then 'Robocall Mitigation Database' end, case when c.is_form499_filer then 'Form 499' end, case when c.is_bdc_provider then 'broadband data' end], null), ', ')"}) }} as evidence,
       {{ ids(['k.snapshot_ids', 'c.snapshot_ids']) }} as snapshot_ids
from {{ ref('int_cores') }} k
join {{ ref('int_carriers') }} c using (frn)
join {{ source('pw', 'sources') }} s on s.source = 'fcc_cores' and s.absence_sightings is not null
where not k.was_ever_found
  and (c.is_rmd_filer or c.is_form499_filer or c.is_bdc_provider)
