-- FRNs whose filing stood in an earlier copy and in none since the two that must agree. A newer number of the same
-- FRN, an affiliate's mention or a filing under the same name protects.
with absence as (select * from {{ ref('int_absence') }} where source = 'fcc_rmd'),
gone as (
    select n.frn, a.is_proven, a.needed, a.seen, a.since_on, a.until_on, a.snapshot_ids as rmd_snapshot_ids,
           array_agg(n.number order by n.number) as numbers,
           max(n.last_seen_on) as last_seen_on,
           array_agg(distinct n.snapshot_id) as seen_in,
           (array_agg(n.business_name order by n.last_seen_on desc, n.number desc))[1] as business_name
    from {{ ref('int_rmd_numbers') }} n
    cross join absence a
    where n.frn ~ '^\d{10}$' and n.frn <> '0000000000'
    group by n.frn, a.is_proven, a.needed, a.seen, a.since_on, a.until_on, a.snapshot_ids
)
select g.frn,
       case when not g.is_proven or l.is_filer or f.frn is not null and not f.is_active then 'held' else 'finding' end as verdict,
       case when not g.is_proven then 'Gone from the list, but seen in ' || g.seen || ' of the ' || coalesce(g.needed, 2) || ' whole copies that an absence needs.'
            when l.is_filer then 'Gone from the newest copy, but still in that of ' || g.last_seen_on || ': an absence needs ' || g.needed || ' copies that agree.'
            when f.frn is not null and not f.is_active then 'Its Form 499 registrations have ended too: it may have left the business.' end as why,
       null::date as due_on_et,
       {{ evidence({
           'Filing': "array_to_string(g.numbers, ', ')",
           'Name in the filing': 'g.business_name',
           'Last seen': 'g.last_seen_on',
           'RMD copies without it': "to_jsonb(array[g.since_on, g.until_on])"}) }} as evidence,
       {{ ids(['g.seen_in', 'g.rmd_snapshot_ids']) }} as snapshot_ids
from gone g
left join {{ ref('int_form499_carriers') }} f using (frn)
left join {{ ref('int_rmd_listed') }} l using (frn)
where not exists (select from {{ ref('int_rmd_filers') }} r where r.frn = g.frn)
  and not coalesce(l.is_affiliate, false)
  -- a filing under one of its names: in force, or in either of the copies that an absence stands on
  and not exists (
      select from {{ ref('int_carrier_names') }} k
      join {{ ref('int_rmd_listed_names') }} n using (name_key)
      where k.frn = g.frn and (n.is_in_force or (g.is_proven and l.frn is null))
  )
