{{ config(meta={'dagster': {'group': 'findings'}}, post_hook='analyze {{ this }}', indexes=[{'columns': ['frn', 'code'], 'unique': true}]) }}
-- What only the carrier can answer: one row per FRN and rule.
select v.frn, v.code, coalesce(v.why, r.question) as text, r.citation, v.snapshot_ids
from {{ ref('int_verdicts') }} v
join {{ source('pw', 'compliance_rules') }} r on r.code = v.code
where v.verdict = 'ask'
