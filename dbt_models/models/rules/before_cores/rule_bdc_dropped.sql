-- Providers of the edition right before the latest one, of which the latest shows neither FRN, provider ID nor holding company.
with absence as (select * from {{ ref('int_absence') }} where source = 'fcc_bdc'),
latest as (select * from {{ ref('int_bdc_editions') }} where edition_rank = 1)
select b.frn,
       case when not a.is_proven or b.id_still_there or b.holding_still_there or (f.frn is not null and not f.is_active)
            then 'held' else 'finding' end as verdict,
       case when not a.is_proven then 'Not in edition ' || l.edition || ', but seen in ' || a.seen || ' of the ' || coalesce(a.needed, 2) || ' copies of it that an absence needs.'
            when b.id_still_there then 'Its provider ID is still there under another FRN.'
            when b.holding_still_there then 'Its holding company is still there under another FRN.'
            when (f.frn is not null and not f.is_active) then 'Its Form 499 registrations have ended: it may have left the business.' end as why,
       l.due_on_et,
       {{ evidence({
           'Last in edition': 'b.edition',
           'Missing in edition': 'l.edition',
           'Provider ID': "array_to_string(b.provider_ids, ', ')",
           'Holding company': 'b.holding_company'}) }} as evidence,
       {{ ids(['array[b.snapshot_id, l.snapshot_id]', 'a.snapshot_ids']) }} as snapshot_ids
from {{ ref('int_bdc_frns') }} b
cross join absence a
join latest l on a.edition_on is null or a.edition_on = l.edition_on
left join {{ ref('int_rmd_filers') }} r on r.frn = b.frn
left join {{ ref('int_form499_carriers') }} f on f.frn = b.frn
where not b.is_in_latest
  and b.edition_rank = 2
  and l.edition_on - b.edition_on < 190  -- half a year: the edition right before
