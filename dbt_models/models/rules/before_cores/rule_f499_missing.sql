-- Domestic filers that call themselves voice service providers and whose FRN and names no copy of the Form 499
-- database shows, ended registrations included.
with absence as (select * from {{ ref('int_absence') }} where source = 'fcc_form499'),
named as (  -- filers, or holding companies of filers, that carry one of a carrier's names
    select c.frn, min(k.filer_id) filter (where k.kind = 'own') as same_name_filer,
           min(k.filer_id) filter (where k.kind = 'holding') as held_filer
    from {{ ref('int_carrier_names') }} c
    join {{ ref('int_form499_known') }} k using (name_key)
    group by c.frn
),
affiliates as (  -- active filers among the affiliates its filing names
    select a.frn, min(p.filer_id) as filer_id
    from {{ ref('int_rmd_affiliates') }} a
    join {{ ref('int_form499_carriers') }} p on p.frn = a.affiliate_frn and p.is_active
    group by a.frn
),
parents as (  -- active filers whose filing names it
    select a.affiliate_frn as frn, min(p.frn) as parent_frn
    from {{ ref('int_rmd_affiliates') }} a
    join {{ ref('int_form499_carriers') }} p on p.frn = a.frn and p.is_active
    group by a.affiliate_frn
),
look_alikes as (
    select frn, (array_agg(subject_name order by confidence desc, subject_id))[1] as similar_name
    from {{ source('core', 'name_matches') }}
    where subject = 'form499'
    group by frn
),
judged as (
    select r.*, s.similar_name, a.is_proven, a.needed, a.seen, a.since_on, a.until_on, a.edition_on, a.snapshot_ids as f499_snapshot_ids,
           n.same_name_filer, n.held_filer, f.filer_id as affiliate_filer, p.parent_frn
    from {{ ref('int_rmd_filers') }} r
    cross join absence a
    left join named n using (frn)
    left join look_alikes s using (frn)
    left join affiliates f using (frn)
    left join parents p using (frn)
    where r.is_voice
      and r.is_domestic
      and not exists (select from {{ ref('int_form499_known') }} k where k.frn = r.frn)
      and not exists (select from {{ ref('int_form499_carriers') }} k where k.frn = r.frn)
)
select frn,
       case when not is_proven or held_filer is not null or affiliate_filer is not null or parent_frn is not null
                 or similar_name is not null or business_name is null or known_since is null or known_since > edition_on - 60
            then 'held' else 'finding' end as verdict,
       case when not is_proven then 'Not in Form 499, but seen in ' || seen || ' of the ' || coalesce(needed, 2) || ' whole copies that an absence needs.'
            when held_filer is not null then 'It is the holding company of Form 499 filer ' || held_filer || '.'
            when affiliate_filer is not null then 'Its filing names an affiliate that is Form 499 filer ' || affiliate_filer || '.'
            when parent_frn is not null then 'FRN ' || parent_frn || ' names it as an affiliate and is an active filer.'
            when similar_name is not null then 'A Form 499 filer has a similar name, “' || similar_name || '”; it may be this one.'
            when business_name is null then 'Its filing has no name to look for.'
            when known_since is null or known_since > edition_on - 60 then 'A filing this new may not be in the copies of Form 499 in hand.' end as why,
       null::date as due_on_et,
       {{ evidence({
           'RMD filing': "array_to_string(numbers, ', ')",
           'Says it is a voice service provider': "'Yes'::text",
           'Name looked for': 'business_name',
           'Form 499 copies without FRN and name': "to_jsonb(array[since_on, until_on])"}) }} as evidence,
       {{ ids(['snapshot_ids', 'f499_snapshot_ids']) }} as snapshot_ids
from judged
where same_name_filer is null
