{{ config(meta={'dagster': {'group': 'findings'}}, post_hook='analyze {{ this }}', indexes=[{'columns': ['frn', 'code'], 'unique': true}]) }}
-- What was suspected and not said, and why: one row per FRN and rule. For people of the house, never for the carrier.
select v.frn, v.code, v.why, v.evidence, v.snapshot_ids
from {{ ref('int_verdicts') }} v
where v.verdict = 'held'
