{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['frn'], 'unique': true}]) }}
-- One row per FRN with a filing in docket 06-36 since 1 January of the judged year that carries one of its names, its
-- holding company's, or only a similar one, or an affiliate's. A similar name proves nothing, in either direction, nor
-- does an affiliate's filing.
with matched as (
    select m.frn, m.subject_id, m.method, m.confidence, m.subject_name, m.carrier_name, f.received_on_et, f.snapshot_id,
           y.year, y.late_after_on_et, m.method not in ('near', 'affiliate') as is_match,
           -- the name filed under is that of several FRNs
           count(*) filter (where m.method in ('exact', 'key')) over (partition by m.subject_id, m.subject_name) > 1 as is_shared
    from {{ source('core', 'name_matches') }} m
    join {{ ref('stg_fcc_cpni__filings') }} f on f.id_submission = m.subject_id
    join {{ ref('int_cpni_year') }} y on f.received_on_et >= make_date(y.year, 1, 1)
    where m.subject = 'cpni'
)
select frn,
       bool_or(is_match) as has_match,
       min(received_on_et) filter (where is_match) as first_received_on,
       min(received_on_et) as first_similar_on,
       (array_agg(subject_id order by received_on_et, confidence desc) filter (where is_match))[1] as first_id,
       (array_agg(subject_name order by received_on_et, confidence desc) filter (where is_match))[1] as first_name,
       (array_agg(method order by received_on_et, confidence desc) filter (where is_match))[1] as first_method,
       (array_agg(confidence order by received_on_et, confidence desc) filter (where is_match))[1] as first_confidence,
       (array_agg(is_shared order by received_on_et, confidence desc) filter (where is_match))[1] as first_is_shared,
       (array_agg(subject_name order by confidence desc, subject_id) filter (where not is_match))[1] as near_name,
       (array_agg(method order by confidence desc, subject_id) filter (where not is_match))[1] as near_method,
       (array_agg(subject_id order by confidence desc, subject_id) filter (where not is_match))[1] as near_id,
       (array_agg(confidence order by confidence desc, subject_id) filter (where not is_match))[1] as near_confidence,
       array_agg(distinct snapshot_id) as snapshot_ids
from matched
group by frn
