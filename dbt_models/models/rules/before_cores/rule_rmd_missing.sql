-- Voice carriers with an active Form 499 registration whose FRN and names no copy of the RMD shows.
-- Whoever is listed, is an affiliate of a filer, or shares a name with one is left in peace.
with absence as (select * from {{ ref('int_absence') }} where source = 'fcc_rmd'),
carriers as (
    select f.*
    from {{ ref('int_form499_carriers') }} f
    where f.is_active and f.active_types && {{ voice_types() }}
      and not exists (select from {{ ref('int_rmd_listed') }} l where l.frn = f.frn)
      and not exists (
          select from {{ ref('int_carrier_names') }} k
          join {{ ref('int_rmd_listed_names') }} n using (name_key)
          where k.frn = f.frn
      )
),
sisters as (
    select h.holding_company_key, min(h.frn) as frn
    from {{ ref('int_form499_carriers') }} h
    join {{ ref('int_rmd_listed') }} l on l.frn = h.frn
    where h.holding_company_key <> ''
    group by h.holding_company_key
),
judged as (
    select c.*, a.is_proven, a.needed, a.seen, a.since_on, a.until_on, a.snapshot_ids as rmd_snapshot_ids,
           exists (select from {{ ref('int_rmd_numbers') }} n where n.frn = c.frn) as was_listed,
           h.number as holding_number, s.frn as sister_frn
    from carriers c
    cross join absence a
    left join {{ ref('int_rmd_listed_names') }} h on h.name_key = c.holding_company_key
    left join sisters s on s.holding_company_key = c.holding_company_key
)
select frn,
       case when not is_proven or holding_number is not null or sister_frn is not null
                 or started_on > as_of - 60 or has_active_successor
            then 'held' else 'finding' end as verdict,
       case when not is_proven then 'Not listed, but seen in ' || seen || ' of the ' || coalesce(needed, 2) || ' whole copies that an absence needs.'
            when holding_number is not null then 'Its holding company''s name is in filing ' || holding_number || ', which may cover it.'
            when sister_frn is not null then 'FRN ' || sister_frn || ' of the same holding company is listed, and its filing may cover it.'
            when started_on > as_of - 60 then 'Registered with USAC on ' || started_on || ': it may not carry traffic yet.'
            when has_active_successor then 'Another Form 499 filer has taken over one of its registrations.' end as why,
       date '2024-02-26' as due_on_et,
       {{ evidence({
           'Form 499 filer ID': 'filer_id',
           'Form 499 type': 'comm_type',
           'Legal name in Form 499': 'legal_name',
           'RMD copies without the FRN and its names': "to_jsonb(array[since_on, until_on])"}) }} as evidence,
       {{ ids(['snapshot_ids', 'rmd_snapshot_ids']) }} as snapshot_ids
from judged
where not was_listed  -- a filing that is gone is RMD_REMOVED
