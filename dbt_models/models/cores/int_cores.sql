{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['frn'], 'unique': true}]) }}
-- One row per FRN ever looked up: what the newest look-up shows, and on which days the page was empty. Empty pages
-- count only in batches that found others: a site that shows nobody anything says nothing.
with newest as (
    select distinct on (frn) *
    from {{ ref('stg_fcc_cores__registrations') }}
    order by frn, as_of desc, fetched_at desc
),
days as (
    select frn, bool_or(is_found) as was_ever_found,
           count(distinct as_of) filter (where not is_found and proves_absence)::int as empty_days,
           array_agg(distinct as_of) filter (where not is_found and proves_absence) as empty_on,
           array_agg(distinct snapshot_id) as snapshot_ids
    from {{ ref('stg_fcc_cores__registrations') }}
    group by frn
)
select n.frn, n.is_found, n.entity_name, n.name_key, n.entity_type, n.contact_organization, n.contact_name,
       {{ mailable('n.contact_email') }} as email, n.snapshot_id, n.as_of,
       d.was_ever_found, d.empty_days, d.empty_on, d.snapshot_ids
from newest n
join days d using (frn)
