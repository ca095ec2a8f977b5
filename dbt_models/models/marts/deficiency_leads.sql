{{ config(meta={'dagster': {'group': 'leads'}}, post_hook='analyze {{ this }}', indexes=[{'columns': ['frn'], 'unique': true}, {'columns': ['email']}]) }}
-- Carriers with something to mend and someone to write to: one row per FRN. Remarks of severity `information` alone
-- make no lead.
with found as (
    select frn,
           array_agg(code order by severity_rank, code) as codes,
           array_agg(code order by severity_rank, code) filter (where certainty = 'sure') as sure_codes,
           array_agg(code order by severity_rank, code) filter (where certainty = 'probable') as probable_codes,
           (array_agg(severity order by severity_rank))[1] as top_severity,
           min(severity_rank) as severity_rank,
           array_agg(distinct service) filter (where service is not null) as services,
           min(as_of) as as_of
    from {{ ref('findings') }}
    where severity <> 'information'
    group by frn
),
copies as (
    select snapshot_id, as_of from {{ ref('stg_snapshots') }}
    union all select snapshot_id, as_of from {{ ref('stg_cores_snapshots') }}
),
stands_on as (
    select frn, array_agg(distinct snapshot_id) as snapshot_ids, min(c.as_of) as oldest_as_of
    from (
        select frn, unnest(snapshot_ids) as snapshot_id from {{ ref('findings') }} where severity <> 'information'
        union select frn, snapshot_id from {{ ref('contacts') }}
    ) as one
    join copies c using (snapshot_id)
    group by frn
)
select f.frn, c.name, t.email, t.contact_name, t.contact_source, t.contact_reason,
       f.codes, coalesce(f.sure_codes, '{}') as sure_codes, coalesce(f.probable_codes, '{}') as probable_codes,
       f.top_severity, f.severity_rank, coalesce(f.services, '{}') as services,
       c.comm_type, c.hq_state, s.snapshot_ids, f.as_of,
       s.oldest_as_of
from found f
join {{ ref('contacts') }} t using (frn)
join {{ ref('carriers') }} c using (frn)
join stands_on s using (frn)
