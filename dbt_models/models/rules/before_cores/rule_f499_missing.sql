-- Domestic filers that call themselves voice service providers and whose FRN and names no copy of the Form 499
-- database shows, ended registrations included.
with absence as (select * from {{ ref('int_absence') }} where source = 'fcc_form499'),
judged as (
    select r.*, c.name_keys, a.is_proven, a.needed, a.seen, a.since_on, a.until_on, a.edition_on, a.snapshot_ids as f499_snapshot_ids,
           (select min(k.filer_id) from {{ ref('int_form499_known') }} k where k.kind = 'own' and k.name_key = any(c.name_keys)) as same_name_filer,
           (select min(k.filer_id) from {{ ref('int_form499_known') }} k where k.kind = 'holding' and k.name_key = any(c.name_keys)) as held_filer,
           (select min(k.filer_id) from {{ ref('int_form499_known') }} k
            join {{ ref('int_rmd_filings') }} n on k.frn = any(n.affiliate_frns)
            where n.frn = r.frn and k.is_active) as affiliate_filer,
           (select min(n.frn) from {{ ref('int_rmd_filings') }} n
            join {{ ref('int_form499_carriers') }} p on p.frn = n.frn and p.is_active
            where r.frn = any(n.affiliate_frns)) as parent_frn
    from {{ ref('int_rmd_filers') }} r
    join {{ ref('int_carriers') }} c using (frn)
    cross join absence a
    where r.is_voice
      and r.is_domestic
      and not exists (select from {{ ref('int_form499_known') }} k where k.frn = r.frn)
      and not exists (select from {{ ref('int_form499_carriers') }} k where k.frn = r.frn)
)
select frn,
       case when not is_proven or held_filer is not null or affiliate_filer is not null or parent_frn is not null
                 or business_name is null or known_since is null or known_since > edition_on - 60
            then 'held' else 'finding' end as verdict,
       case when not is_proven then 'Not in Form 499, but seen in ' || seen || ' of the ' || coalesce(needed, 2) || ' whole copies that an absence needs.'
            when held_filer is not null then 'It is the holding company of Form 499 filer ' || held_filer || '.'
            when affiliate_filer is not null then 'Its filing names an affiliate that is Form 499 filer ' || affiliate_filer || '.'
            when parent_frn is not null then 'FRN ' || parent_frn || ' names it as an affiliate and is an active filer.'
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
